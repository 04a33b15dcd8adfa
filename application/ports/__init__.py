"""What the application needs from the outside. Each port is implemented by at least two shipped adapters."""
