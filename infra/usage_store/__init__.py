"""Adapters of the port ``usage_store``."""
