"""The path of every call, one step per file: authenticate, admit, attempt, stream, account."""
