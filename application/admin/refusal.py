"""What an operator asked for and cannot have."""

from __future__ import annotations


class CommandError(Exception):
    """The command cannot be carried out as it stands. The message is one line for the operator, without a secret."""
