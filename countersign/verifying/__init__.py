"""The offline verifier: one implementation for the portal, for auditors and for whoever doubts."""
