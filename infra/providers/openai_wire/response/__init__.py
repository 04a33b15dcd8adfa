"""Validate complete responses and errors, and redact them."""
