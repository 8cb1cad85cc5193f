"""How much of a result is luck: statistics on plain arrays of returns, and what they come to in words."""
