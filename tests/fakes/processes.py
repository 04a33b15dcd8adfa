"""Starting our own commands as real processes, and stopping them whatever happens."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from llmproxy.cli.main import cli

_HERE = threading.Lock()
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "VIRTUAL_ENV")


def environment(**over: str) -> dict[str, str]:
    """Return a clean environment without the developer's settings and keys."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PYTHONPATH": os.getcwd(), "PYTHONUNBUFFERED": "1"} | over  # noqa: PTH109 - text, not a path


def llmproxy(*arguments: str, env: Mapping[str, str], check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of ours to its end."""
    command = [sys.executable, "-m", "llmproxy", *arguments]
    done = subprocess.run(command, env=dict(env), capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    if check:
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done


def llmproxy_here(*arguments: str, env: Mapping[str, str], check: bool = True) -> str:
    """Run a command of ours in this process and return its output: the data of a test, in a quarter of the time.

    In a thread, as a test may run an event loop; one at a time, as environment and standard streams are replaced.
    """
    with _HERE, ThreadPoolExecutor(1) as thread:
        done = thread.submit(_invoke, arguments, env).result()
    assert not check or done.exit_code == 0, f"{arguments}: {done.output}{done.exc_info}"
    return done.stdout


def _invoke(arguments: Sequence[str], env: Mapping[str, str]) -> Result:
    before = dict(os.environ)
    os.environ.clear()
    try:
        return CliRunner().invoke(cli, arguments, prog_name="llmproxy", env=env)
    finally:
        os.environ.update(before)


def llmproxy_json(*arguments: str, env: Mapping[str, str]) -> Any:
    """Run a command with ``--json`` and read what it prints."""
    return json.loads(llmproxy(*arguments, "--json", env=env).stdout)


class Running:
    """A command of ours that runs until it is stopped.

    Args:
        arguments: of the ``llmproxy`` command.
        env: its whole environment.
        ready: what it prints when it is ready; the first group is its base URL.
        cwd: its working directory.
    """

    def __init__(self, *arguments: str, env: Mapping[str, str], ready: str, cwd: Path | None = None) -> None:
        self._lines: list[str] = []
        self._ready = threading.Event()
        self._pattern = re.compile(ready)
        self.base_url = ""
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "llmproxy", *arguments],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(60) or not self.base_url:
            self.stop()
            raise AssertionError(f"{arguments} did not become ready:\n{self.output()}")

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        return self._process.pid

    def output(self) -> str:
        """Everything printed so far."""
        return "".join(self._lines)

    def kill(self) -> None:
        """``kill -9``: no chance to tidy up."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(30)

    def stop(self) -> int:
        """Stop it and return its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(45)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        self._reader.join(5)
        return self._process.returncode

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            found = self._pattern.search(line)
            if found and not self.base_url:
                self.base_url = found.group(1)
                self._ready.set()
        self._ready.set()


def wait_until(condition: Any, seconds: float = 20, what: str = "the condition") -> None:
    """Wait for something that takes a moment; fails when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come within {seconds} s"
        time.sleep(0.05)
