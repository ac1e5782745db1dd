"""Whether the records are complete: what providers counted, read from files and answers, and how
it compares with what was recorded. Pure: no database, no clock, no settings."""
