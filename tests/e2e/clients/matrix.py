"""The table in docs/conformance.md: read, written, and one client's column of it made from its report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

YES, NO, LACKS = "yes", "no", "not in this client"

Column = Mapping[str, str]
"""For each feature one of the three (with the reason), or where the setups differ what each of them says."""

HEAD = """\
# What the official clients can do here

Every line is a check that `make test` runs under each of these clients, against a server process with simulated models:
it reads what comes back, and looks where it matters at what reached the upstream. The checks are in `tests/e2e/clients`
and `tests/node`. Each client comes in through `OpenAI` (at `/v1` and at `/openai/v1`) and through `AzureOpenAI`
(`/openai/deployments/...` and the paths beside them); what it says here holds for all of these.

A test compares this table with what it finds, and fails where they differ. To write it anew:

```sh
CONFORMANCE=write make test TESTS=tests/e2e/test_clients.py
```
"""

FOREIGN = """\
## Clients of other makers

Written by `make foreign-clients`, which installs each of them into a folder of its own and runs a small program with it
(`tests/foreign_clients/programs`) against a server with simulated models. It is run on request, not by `make test`. An
empty cell: the client does not do that, or its program does not try it.

"""
"""The beginning of the second part of the page, which `tests/foreign_clients/run.py` writes."""


def column(report: Mapping[str, Any]) -> dict[str, str]:
    """Return the result of each feature in the report of a client."""
    found: dict[str, dict[str, str]] = {}
    for run in report["runs"]:
        for feature, result in run["checks"].items():
            said = f"{LACKS}: {result['lacks']}" if "lacks" in result else NO if "fault" in result else YES
            cells = found.setdefault(feature, {})
            # Where a class of clients was tried with two families of models, the worse of both counts.
            cells[run["setup"]] = said if cells.get(run["setup"], YES) == YES else cells[run["setup"]]
    return {feature: _cell(cells) for feature, cells in found.items()}


def _cell(cells: Mapping[str, str]) -> str:
    said = set(cells.values())
    return said.pop() if len(said) == 1 else "; ".join(f"{setup}: {each}" for setup, each in cells.items())


def parse(text: str) -> dict[str, dict[str, str]]:
    """Return the columns of the first table by title."""
    lines = re.findall(r"^\|.*\|$", text.partition(FOREIGN)[0], re.MULTILINE)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    titles = rows[0][1:] if rows else []
    return {
        title: {row[0]: row[number] for row in rows[2:] if row[number]} for number, title in enumerate(titles, start=1)
    }


def render(columns: Mapping[str, Column]) -> str:
    """Return the page. Without a check for a client the cell stays empty."""
    features = list(dict.fromkeys(feature for each in columns.values() for feature in each))
    operations = list(dict.fromkeys(map(_operation, features)))
    features.sort(key=lambda feature: operations.index(_operation(feature)))
    lines = [_row(["", *columns]), "|---" * (len(columns) + 1) + "|"]
    lines += [_row([feature, *(each.get(feature, "") for each in columns.values())]) for feature in features]
    return HEAD + "\n" + "\n".join(lines) + "\n"


def _operation(feature: str) -> str:
    return feature.partition(":")[0]


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
