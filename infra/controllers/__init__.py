"""HTTP: from bytes on the wire to use cases and back."""
