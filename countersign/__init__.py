"""What the portal and the code that calls AI services must agree on. Needs Python alone."""

__version__ = "0.1.0"
