"""Pages of call records."""
