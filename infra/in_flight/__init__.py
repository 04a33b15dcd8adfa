"""Adapters of the port ``in_flight``."""
