"""Where batches of evaluations run."""
