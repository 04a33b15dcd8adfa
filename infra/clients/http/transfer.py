"""Counts of one request and its response, kept while they are under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Transfer(Protocol):
    """The counts that a connection keeps, such as ``domain.attempt.Attempt``.

    Attributes:
        sent: bytes of the request that the operating system has taken.
        whole: whether that is all of it.
        status: HTTP status of the response; None before its head arrives.
        received: bytes of the response, its head included.
        headers: of the response, lower-case names.
        cut: whether the connection ended after the head and before the end of the response.
    """

    sent: int
    whole: bool
    status: int | None
    received: int
    headers: Mapping[bytes, bytes]
    cut: bool

    def repeated(self, error: str) -> Transfer:
        """Return the counts of the same request, sent again because of an error."""


class Untracked:
    """Counts that nobody reads."""

    __slots__ = ("cut", "headers", "received", "sent", "status", "whole")

    def __init__(self) -> None:
        self.sent = self.received = 0
        self.whole = self.cut = False
        self.status: int | None = None
        self.headers: Mapping[bytes, bytes] = {}

    def repeated(self, _error: str) -> Untracked:
        """Return new counts."""
        return Untracked()
