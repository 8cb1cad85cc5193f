"""Which rules: strategies put together from a table of entries, filters and exits, and written out as files."""
