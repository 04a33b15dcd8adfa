"""Adapters of the port ``health_store``."""
