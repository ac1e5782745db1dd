"""What an uploaded table would do to the register: read, compared, told line by line; no query."""
