"""Finds identifiers in text: patterns with checksums, label context, word lists, and a tagger."""
