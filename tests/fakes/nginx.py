"""Debian's nginx with a configuration of the test's."""

from __future__ import annotations

import os
import random
import re
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.fakes.processes import wait_until
from tests.tools import require_tool

_PORTS = range(12_000, 30_000)
"""Below those that systems choose for outgoing connections."""
_FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def free_port() -> int:
    """Return a port that is free on every address, and that the system gives to nobody who connects."""
    for port in random.sample(_PORTS, len(_PORTS)):
        with suppress(OSError), socket.create_server(("", port)):
            return port
    raise AssertionError("no port is free")


class Nginx:
    """A running nginx; use it as a context manager.

    Args:
        folder: for its configuration and its temporary files.
        text: of its configuration; where its own files are is added.
        port: one of those that it listens on.
    """

    def __init__(self, folder: Path, text: str, port: int) -> None:
        self.port = port
        program = require_tool("nginx")
        # Started by root, its workers would be somebody who may not write into our folder.
        user = "user root;\n" if os.geteuid() == 0 else ""
        config = folder / "nginx.conf"
        places = "".join(f"    {name}_temp_path {folder}/{name};\n" for name in _FOLDERS)
        text = re.sub(r"^pid .*$", "", text, flags=re.MULTILINE).replace("http {\n", f"http {{\n{places}", 1)
        config.write_text(f"{user}daemon off;\npid {folder}/nginx.pid;\n{text}", "utf-8")
        self._log = folder / "error.log"
        self._process = subprocess.Popen(  # noqa: S603 - a tool
            [program, "-p", str(folder), "-c", str(config), "-e", str(self._log)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        wait_until(self._accepts, 20, "nginx")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)

    def log(self) -> str:
        """Return its error log."""
        return self._log.read_text("utf-8") if self._log.exists() else ""

    def _accepts(self) -> bool:
        assert self._process.poll() is None, self.log()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
