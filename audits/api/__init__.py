"""The REST API of call records."""
