"""Length of recordings, read from the bytes of the file."""
