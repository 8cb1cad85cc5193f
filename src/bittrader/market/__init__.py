"""What happened: candles, and where they come from."""
