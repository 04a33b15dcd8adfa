"""Limits and budgets: what a call reserves, what it is settled to, and how processes share them."""
