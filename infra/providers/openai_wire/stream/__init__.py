"""Relay streams: events or audio, block by block."""
