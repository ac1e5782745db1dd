"""SAML 2.0, begun by us: web browser profile, redirect out, POST back."""
