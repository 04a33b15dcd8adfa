"""Processes on chosen cores: start, stop, and what the kernel says that they used."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 10.0


def gateway_core() -> int:
    """Return the core reserved for the gateway."""
    return min(os.sched_getaffinity(0))


def tool_core() -> int:
    """Return the core of the mock upstream and the load generator."""
    return max(os.sched_getaffinity(0))


def free_port() -> int:
    """Return a free loopback port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    argv: Sequence[str], *, core: int, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command pinned to a core, its output in ``log``, and end its whole process group afterwards.

    It sees none of our environment variables but a few that every program needs: settings and proxies of the shell
    would make the figures those of another configuration.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *argv],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**kept, "PYTHONPATH": str(ROOT), **(env or {})},
            cwd=log.parent,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, wait, and end whatever is left of its group."""
    for what in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, what)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)


def python_module(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs a module with the interpreter that runs this."""
    return [sys.executable, "-m", module, *arguments]


def _stat(pid: int) -> list[str]:
    """Return the fields of ``/proc/PID/stat`` after the command name, which may contain anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _tree(root: int) -> list[int]:
    """Return a process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        with contextlib.suppress(OSError):
            children.setdefault(int(_stat(pid)[1]), []).append(pid)
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def cpu_seconds(root: int) -> float:
    """User and system time of a process and everything below it, ended children included."""
    ticks = 0
    for pid in _tree(root):
        with contextlib.suppress(OSError):
            ticks += sum(int(value) for value in _stat(pid)[11:15])
    return ticks / TICKS


def memory_mb(root: int) -> tuple[float, float]:
    """Resident memory of a process and everything below it: now, and the sum of their peaks. In 10^6 bytes."""
    now = peak = 0
    for pid in _tree(root):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                name, _, value = line.partition(":")
                if name == "VmRSS":
                    now += int(value.split()[0])
                elif name == "VmHWM":
                    peak += int(value.split()[0])
    return now * 1024 / 1e6, peak * 1024 / 1e6


def forget_peak(root: int) -> None:
    """Let the peaks of a process and everything below it begin anew."""
    for pid in _tree(root):
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text("5")


def tool(argv: Sequence[str], *, timeout: float) -> str:
    """Run one of our tools on the tools' core and return what it printed.

    Raises:
        subprocess.SubprocessError: it failed or took too long.
    """
    command = ["taskset", "-c", str(tool_core()), *argv]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout).stdout


def wait_until_open(port: int, seconds: float = 10.0) -> None:
    """Wait until a loopback port accepts connections.

    Raises:
        TimeoutError: nobody did in time.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.02)
    message = f"port {port} does not accept connections"
    raise TimeoutError(message)
