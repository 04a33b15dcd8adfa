"""Audio files generated from text, and timed transcripts generated for recordings."""
