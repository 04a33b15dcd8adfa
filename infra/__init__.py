"""Adapters: what connects the application to the world. Siblings are strangers to each other."""
