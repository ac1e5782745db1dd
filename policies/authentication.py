"""Reads: Bearer keys. Filled by the policies app."""
