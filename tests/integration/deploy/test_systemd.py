"""The units of ``deploy/systemd``, as far as systemd itself can judge them without running as process 1."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from llmproxy.settings import Settings
from tests.tools import ROOT, require_tool

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
NAMED = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
PROGRAM = "/opt/llmproxy/.venv/bin/llmproxy"
MOST_EXPOSED = 30
"""Tenths of systemd's measure of exposure, which ends at 10."""


def service(unit: Path) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    parser.read_string(unit.read_text("utf-8"))
    return parser["Service"]


def analyzed(*arguments: str) -> str:
    """Run ``systemd-analyze`` and return what it prints; it must not find anything."""
    done = subprocess.run(  # noqa: S603 - a tool
        [require_tool("systemd-analyze"), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@NAMED
def test_units_are_valid(unit: Path, tmp_path: Path) -> None:
    copied = tmp_path / unit.name
    copied.write_text(unit.read_text("utf-8").replace(PROGRAM, sys.executable), "utf-8")
    assert analyzed("verify", "--man=no", str(copied)) == ""


@NAMED
def test_units_are_sandboxed(unit: Path) -> None:
    analyzed("security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", str(unit))


@NAMED
def test_units_run_commands_with_settings_that_exist(unit: Path) -> None:
    found = service(unit)
    program, command, *options = shlex.split(found["ExecStart"])
    assert program == PROGRAM
    help_text = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "llmproxy", command, "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert all(option in help_text for option in options if option.startswith("--"))
    for name in re.findall(r"(\w+)=", found["Environment"]):
        assert name.lower() in Settings.model_fields


def test_the_server_has_time_to_drain_and_its_workers_get_no_signal_of_their_own() -> None:
    found = service(ROOT / "deploy" / "systemd" / "llmproxy.service")
    drain = Settings.model_fields["llmproxy_drain_seconds"].default
    assert int(found["TimeoutStopSec"]) >= drain + 20
    assert found["KillMode"] == "mixed"
