"""Which parameter sets to try next."""
