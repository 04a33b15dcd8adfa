"""The ``llmproxy`` command."""
