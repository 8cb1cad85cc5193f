"""Checks that implementers of a contract run on their own work."""
