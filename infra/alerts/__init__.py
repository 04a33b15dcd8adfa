"""Adapters of the port ``alerts``."""
