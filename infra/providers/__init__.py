"""Adapters of the port ``providers``."""
