"""Adapters of the port ``lease_store``."""
