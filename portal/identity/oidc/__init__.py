"""OpenID Connect, by the authorization code with PKCE and a nonce."""
