"""Adapters of the port ``catalog_store``."""
