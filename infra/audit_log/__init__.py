"""Adapters of the port ``audit_log``."""
