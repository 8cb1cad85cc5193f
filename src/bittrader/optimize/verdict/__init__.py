"""Whether to believe what a search found: bars that it did not see, and how much is luck (`belief` decides)."""
