"""Callers by tokens that other services issue: Entra ID, or any OpenID Connect issuer."""
