"""A study: the file of what was asked and what came of it, and all that is read out of it."""
