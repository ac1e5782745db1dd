"""The client: guards the SDKs of AI providers, and has each call recorded before it goes."""
