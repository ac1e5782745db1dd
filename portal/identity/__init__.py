"""Who people are: the settings of sign-in, providers and sessions, and what enforces them."""
