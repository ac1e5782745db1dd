"""What is found in a body is replaced before the body leaves: engine, tokens, schemes."""
