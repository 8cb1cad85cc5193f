"""What a node's owner is told without asking: which events, how often, in which words, and the way to the owner."""
