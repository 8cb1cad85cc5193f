"""Installing a node as a service: a list of changes that is worked out first, and a receipt of those that were made."""
