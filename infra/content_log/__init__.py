"""Adapters of the port ``content_log``."""
