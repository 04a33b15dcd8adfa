"""The image of the Dockerfile, really built and run, on a base that Debian's tools make in place of Python's image."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.nginx import free_port
from tests.fakes.processes import wait_until
from tests.tools import ROOT, missing, require_tool

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

BASE = "docker.io/library/python:3.12.12-slim-bookworm"
"""The name of the base image in the Dockerfile; what stands in for it is Debian 12 with its own Python 3.11."""
PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
CHOSEN = "TEST_IMAGE"
KEY = "sk-image-0123456789abcdef0123456789abcdef"


class Builder:
    """Buildah with a storage of its own.

    Args:
        folder: for it.
    """

    def __init__(self, folder: Path) -> None:
        self._program = require_tool("buildah")
        configuration = folder / "storage.conf"
        lines = ["[storage]", 'driver = "vfs"', f'runroot = "{folder}/run"', f'graphroot = "{folder}/graph"']
        configuration.write_text("\n".join(lines) + "\n", "utf-8")
        self.env = os.environ | {"CONTAINERS_STORAGE_CONF": str(configuration), "STORAGE_DRIVER": "vfs"}

    def command(self, *arguments: str) -> list[str]:
        return [self._program, *arguments]

    def __call__(self, *arguments: str) -> str:
        """Run a command to its end and return what it prints."""
        done = subprocess.run(  # noqa: S603 - a tool
            self.command(*arguments), env=self.env, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout[-4000:]}{done.stderr[-4000:]}"
        return done.stdout.strip()


@pytest.fixture(scope="module")
def image() -> Iterator[Builder]:
    """Build the image ``llmproxy:test``."""
    if not os.environ.get(CHOSEN):
        pytest.skip(f"takes minutes and gigabytes: `make test-image` sets {CHOSEN}")
    if sys.platform != "linux" or os.geteuid() != 0:
        missing("images are built as root on Linux")
    debootstrap = require_tool("debootstrap")
    # Removed at once afterwards: it takes gigabytes.
    with tempfile.TemporaryDirectory(prefix="llmproxy-image-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        build, root = Builder(folder), folder / "root"
        command = [debootstrap, "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root)]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - a tool
        (root / "usr" / "bin" / "python").symlink_to("python3")
        for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            marker.unlink()
        if CERTIFICATES.is_file():  # those that this machine trusts
            shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
            (root / "etc" / "pip.conf").write_text(f"[global]\ncert = {CERTIFICATES}\n", "utf-8")
        container = build("from", "scratch")
        build("add", "--quiet", container, str(root), "/")
        build("commit", "--quiet", container, BASE)
        build("rm", container)
        shutil.rmtree(root)
        build("build", "--isolation", "chroot", "--pull-never", "--format", "docker", "--tag", "llmproxy:test", ".")
        yield build


def test_the_image_serves_the_demo_as_a_user_of_its_own(image: Builder) -> None:
    port = free_port()
    container = image("from", "--pull-never", "localhost/llmproxy:test")
    run = ["run", "--isolation", "chroot", "--user", "10001:10001", "--env", "ENVIRONMENT=development"]
    serve = ["llmproxy", "serve", "--demo", "--host", "127.0.0.1", "--port", str(port)]
    command = image.command(*run, "--env", f"LLMPROXY_DEMO_KEY={KEY}", container, "--", *serve)
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen(  # noqa: S603 - a tool
            command, env=image.env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        ) as server,
    ):
        try:
            url = f"http://127.0.0.1:{port}"

            def serves() -> bool:
                assert server.poll() is None
                try:
                    return httpx.get(f"{url}/health").status_code == 200
                except httpx.TransportError:
                    return False

            wait_until(serves, 60, "the server in the container")
            body = {"model": "demo", "messages": [{"role": "user", "content": "hi"}]}
            headers = {"authorization": f"Bearer {KEY}"}
            answer = httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers, timeout=30)
            assert answer.status_code == 200, answer.text
            assert answer.json()["choices"][0]["message"]["content"]
        finally:
            server.terminate()
    inspect = ["run", "--isolation", "chroot", "--user", "10001:10001", container, "--", "sh", "-c"]
    tools = "ls /opt/llmproxy/bin/pip 2> /dev/null; command -v cc gcc make"
    assert image(*inspect, f"id -u; {tools}; touch /opt/llmproxy/x 2>&1 || true") == (
        "10001\ntouch: cannot touch '/opt/llmproxy/x': Permission denied"
    )
