"""Pages of policies and integrations, split by subject."""
