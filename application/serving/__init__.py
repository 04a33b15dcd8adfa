"""The path that every call takes, one verb a file: authenticate, admit, attempt, answer, stream, settle."""
