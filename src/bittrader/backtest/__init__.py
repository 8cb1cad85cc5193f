"""What a strategy would have earned."""
