"""Upstreams that speak OpenAI's format: bytes in, bytes out; a vendor is a row of data."""
