"""``python -m llmproxy``: the same as the ``llmproxy`` command."""

from __future__ import annotations

from llmproxy.cli.main import main

if __name__ == "__main__":
    main()
