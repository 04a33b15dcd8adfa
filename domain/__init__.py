"""Entities and rules: who may call what, where it goes, what it used, what it cost.

Standard library only; no I/O, no clock, no randomness, no async. Time and chance come in as arguments.
"""
