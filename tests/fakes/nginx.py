"""Debian's nginx with a configuration of the test's."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import Self

from tests.fakes.processes import wait_until
from tests.tools import require_tool

MAIN = """\
{user}daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{http}
}}
"""


def free_port() -> int:
    """Return a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


class Nginx:
    """A running nginx; use it as a context manager.

    Args:
        folder: for its configuration and its temporary files.
        http: what stands in the ``http`` block.
        port: one of those that it listens on.
    """

    def __init__(self, folder: Path, http: str, port: int) -> None:
        self.port = port
        program = require_tool("nginx")
        # Started by root, its workers would be somebody who may not write into our folder.
        user = "user root;\n" if os.geteuid() == 0 else ""
        config = folder / "nginx.conf"
        config.write_text(MAIN.format(user=user, folder=folder, http=http), "utf-8")
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
