"""Ports: the interfaces to everything outside the application. At least two shipped adapters implement each."""
