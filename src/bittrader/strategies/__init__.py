"""What we would have done."""
