"""Which parameters, and what was found."""
