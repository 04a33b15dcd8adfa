"""Ports and use cases. Knows the domain and the standard library; no framework, no SDK."""
