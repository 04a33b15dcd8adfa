"""The ``llmproxy`` command: ``main`` names every command, and each group of them has a file of its own."""
