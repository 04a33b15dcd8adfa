"""What can go wrong behind a port, as use cases see it. What callers may be told is in ``domain/errors.py``."""


class StoreUnavailableError(Exception):
    """A store cannot be reached or does not work right now. The message is for operators and carries no secret."""


class ConflictError(Exception):
    """Somebody changed the document in between."""


class DocumentRefusedError(ValueError):
    """The store cannot keep such a document, ever. The message is for operators."""
