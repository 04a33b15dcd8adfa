"""Errors behind a port, as use cases see them. Errors for callers are in ``domain/errors.py``."""


class StoreUnavailableError(Exception):
    """A store cannot be reached or does not work. The message is for operators and contains no secret."""


class ConflictError(Exception):
    """The document was changed meanwhile."""


class DocumentRefusedError(ValueError):
    """The store can never keep such a document. The message is for operators."""
