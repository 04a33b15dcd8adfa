"""One file for each thing a caller can ask, where it has something of its own to say."""
