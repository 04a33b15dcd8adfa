"""Runs the shell blocks of a Markdown page in order, in a folder of their own, and compares what they print.

A fenced block ``sh`` is a command, the block ``text`` after it is its complete output; without one it prints nothing.
Words after ``sh`` say how it runs:

- ``not-run``: the test does not run it (git clone, installation).
- ``background``: it keeps running; the next block waits until the output shown has appeared.
- ``repeat``: it only reads, and is repeated until the output shown and the exit code appear.
- ``exit=N``: the exit code of the block, otherwise 0.

Words ``file=NAME`` after another language make a file that the reader saves. In outputs ``...`` stands for anything;
ids, keys, times and ports may differ, and so may the width of columns. ``sk-...`` in a command is the first key of the
last output that had one.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.processes import environment, wait_until

FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
KEY = re.compile(r"sk-[\w-]{40,}")
LISTENING = re.compile(r"http://127\.0\.0\.1:(\d+)")
WORDS = {"not-run", "background", "repeat"}
VARIABLE = (
    (KEY, "sk-key"),
    (re.compile(r"\breq_[0-9a-f]{32}\b"), "<request>"),
    (re.compile(r"\bkey_[0-9a-f]{12}\b"), "<key id>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?"), "<time>"),
    (re.compile(r"\b\d+ ms\b"), "<ms>"),
    (re.compile(r"\bwithin [\d.]+ s\b"), "within <seconds>"),
    (re.compile(r"-{2,}"), "--"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r" ?\n ?"), "\n"),
)
"""Patterns of what differs from run to run, and the text that each is compared as."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, the words after it, and its text."""

    language: str
    words: tuple[str, ...]
    text: str

    @property
    def exit_code(self) -> int:
        """The exit code that the page promises."""
        return int(next((word[5:] for word in self.words if word.startswith("exit=")), "0"))


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page in order."""
    found = []
    for fence in FENCE.finditer(page):
        language, *words = fence["info"].split() or [""]
        found.append(Block(language, tuple(words), fence["text"]))
    return found


def comparable(output: str) -> str:
    """Replace what differs from run to run."""
    for pattern, name in VARIABLE:
        output = pattern.sub(name, output)
    return output.strip()


def matches(shown: str, printed: str, *, whole: bool = True) -> bool:
    """Compare an output with the one that a page shows: all of it, or whether it contains that."""
    lines = [line.strip() for line in comparable(shown).splitlines()]
    anything = re.escape("...")
    pattern = "".join(
        "(?:[^\n]*\n)*" if line == "..." else re.escape(line).replace(anything, "[^\n]*") + "\n" for line in lines
    )
    return bool((re.fullmatch if whole else re.search)(pattern, comparable(printed) + "\n"))


@dataclass(slots=True)
class Shell:
    """A reader's terminal in ``folder``: variables and the folder last from block to block."""

    folder: Path
    variables: dict[str, str] = field(init=False)
    ports: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    key: str = "sk-..."

    def __post_init__(self) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        # A page shows changes and failures that a server follows by itself: here sooner than by default.
        sooner = {"LLMPROXY_REFRESH_INTERVAL": "0.5", "LLMPROXY_CIRCUIT_BREAKER_TIMEOUT": "5"}
        over = {"PATH": path, "HOME": str(self.folder), "PWD": str(self.folder), "LANG": "C.UTF-8"}
        self.variables = environment(**over, **sooner)

    def run(self, page: str) -> None:
        """Run every block of a page; fails with what a block printed where the page shows something else."""
        found = blocks(page)
        for block, after in zip(found, [*found[1:], Block("", (), "")], strict=True):
            shown = after.text if after.language == "text" else None
            if any(word.startswith("file=") for word in block.words):
                self._save(block)
            elif block.language == "sh" and "background" in block.words:
                self._start(block, shown or "...")
            elif block.language == "sh" and "not-run" not in block.words:
                self._compare(block, shown)

    def close(self) -> None:
        """Stop everything that keeps running."""
        for process in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running:
            process.wait(30)

    def _save(self, block: Block) -> None:
        path = Path(self.variables["PWD"]) / block.words[0].removeprefix("file=")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._here(block.text), "utf-8")

    def _compare(self, block: Block, shown: str | None) -> None:
        def fits() -> bool:
            code, printed = self._once(block.text)
            seen.append(printed)
            if code != block.exit_code and "repeat" in block.words:
                return False
            assert code == block.exit_code, f"exit code {code} of:\n{block.text}\n{printed}"
            return matches(shown, printed) if shown else not printed.strip()

        seen: list[str] = []
        try:
            self._await(fits, block)
        except AssertionError as error:
            raise AssertionError(f"{block.text}\nprinted:\n{(seen or [''])[-1]}\n{error}") from error

    @staticmethod
    def _await(fits: Callable[[], bool], block: Block) -> None:
        if "repeat" in block.words:
            wait_until(fits, 60, "the output shown")
        else:
            assert fits(), "is not the output shown"

    def _once(self, text: str) -> tuple[int, str]:
        state = self.folder / ".state"
        script = f"trap 'env -0 > \"{state}\"' EXIT; set -e\n{self._here(text)}"
        done = subprocess.run(  # noqa: S603 - the page's own command
            ["bash", "-c", script],  # noqa: S607 - the machine's shell
            cwd=self.variables["PWD"],
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        self.variables = dict(entry.split("=", 1) for entry in state.read_text("utf-8").split("\0") if "=" in entry)
        state.unlink()
        return done.returncode, self._shown(done.stdout)

    def _start(self, block: Block, shown: str) -> None:
        port = re.search(r"--port (\d+)", block.text)
        command = re.sub(r"--port \d+", "--port 0", self._here(block.text))
        output = self.folder / f".background-{len(self.running)}"
        with output.open("wb") as file:
            process = subprocess.Popen(  # noqa: S603 - the page's own command
                ["bash", "-c", f"exec {command}"],  # noqa: S607 - the machine's shell
                cwd=self.variables["PWD"],
                env=self.variables | {"PORT": "0"},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running.append(process)

        def ready() -> bool:
            assert process.poll() is None, output.read_text("utf-8")
            address = LISTENING.search(output.read_text("utf-8"))
            if address:
                self.ports[port[1] if port else "8000"] = address[1]
            return bool(address) and matches(shown, self._shown(output.read_bytes()), whole=False)

        try:
            wait_until(ready, 60, "the output shown")
        except AssertionError as error:
            raise AssertionError(f"{block.text}\nprinted:\n{output.read_text('utf-8')}\n{error}") from error

    def _here(self, text: str) -> str:
        for shown, real in self.ports.items():
            text = text.replace(f"127.0.0.1:{shown}", f"127.0.0.1:{real}")
        return text.replace("sk-...", self.key)

    def _shown(self, output: bytes) -> str:
        text = output.decode("utf-8", "replace").replace("\r\n", "\n")
        for shown, real in self.ports.items():
            text = text.replace(f"127.0.0.1:{real}", f"127.0.0.1:{shown}")
        found = KEY.search(text)
        self.key = found.group() if found else self.key
        return text.replace(str(self.folder), "/srv/llm-proxy")
