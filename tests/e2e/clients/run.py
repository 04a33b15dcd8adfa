"""Runs every check under the version of the official client that the import path leads to.

``python -m tests.e2e.clients.run`` prints one JSON object: the client's version, and what ``harness.run`` reports.
"""

from __future__ import annotations

import faulthandler
import json
import sys

import openai

from tests.e2e.clients import (
    azure,
    chat,
    completions,
    embeddings,
    errors,
    images,
    models,
    responses,
    responses_stored,
    speech,
    transcription,
)
from tests.e2e.clients.harness import run

OPERATIONS = (
    chat,
    completions,
    responses,
    responses_stored,
    embeddings,
    images,
    speech,
    transcription,
    models,
    azure,
    errors,
)

PATIENCE = 90

if __name__ == "__main__":
    faulthandler.dump_traceback_later(PATIENCE, exit=True)  # what hangs says where
    json.dump({"version": openai.__version__, "runs": run(OPERATIONS)}, sys.stdout)
