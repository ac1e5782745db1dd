"""Makes the texts that the tagger learns from, and trains it. Not part of the wheel."""
