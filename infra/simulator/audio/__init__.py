"""The simulator's voice and ear: real audio files made from text, and timed transcripts made for recordings."""
