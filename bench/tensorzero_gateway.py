"""Starts TensorZero's gateway and writes its address to a file. Runs in the virtualenv that has ``tensorzero``.

The package's supported way to start the gateway without its container: a plain object stands in for the OpenAI client,
of which only ``base_url`` is set.
"""

from __future__ import annotations

import importlib
import signal
import sys
import types
import warnings
from pathlib import Path


def main(config: str, address: str) -> None:
    """Serve until the process is ended."""
    warnings.simplefilter("ignore")
    tensorzero = importlib.import_module("tensorzero")  # exists only in its own virtualenv
    client = types.SimpleNamespace()
    tensorzero.patch_openai_client(client, config_file=config, clickhouse_url=None, async_setup=False)
    Path(address).write_text(str(client.base_url))
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:3])
