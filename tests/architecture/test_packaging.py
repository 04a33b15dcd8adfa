"""Lock files, container image and build files say what is true."""

from __future__ import annotations

import re
import shlex
import tomllib

import pytest

from llmproxy.settings import Settings
from tests.lock_check import PAIRS, faults
from tests.tools import ROOT

HASH = "--hash=sha256:" + "0" * 64


def _read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _instructions() -> list[str]:
    return [line for line in _read("Dockerfile").replace("\\\n", " ").splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("pair", PAIRS)
def test_lock_files_are_complete(pair: str) -> None:
    assert not list(faults(_read(f"{pair}.in"), _read(f"{pair}.lock")))


@pytest.mark.parametrize(
    ("lock", "fault"),
    [
        (f"click==8.0 \\\n    {HASH}\n", None),
        ("click==8.0\n", "no hash"),
        (f"click==8.1 \\\n    {HASH}\n", "instead of 8.0"),
        (f"other==8.0 \\\n    {HASH}\n", "make lock"),
        (f"--index-url here\nclick==8.0 {HASH}\n", "not a pinned package"),
        (f"click @ file:///somewhere {HASH}\n", "not a pinned package"),
    ],
)
def test_faults_of_lock_files_are_found(lock: str, fault: str | None) -> None:
    found = " ".join(faults("click==8.0  # the command line\n", lock))
    assert fault in found if fault else not found


def test_litellm_is_a_release_that_somebody_chose() -> None:
    pinned = re.search(r"^litellm==(\S+)", _read("requirements.lock"), re.MULTILINE)
    assert pinned
    assert pinned[1] not in {"1.82.7", "1.82.8", "1.107.0"}, "see docs/decisions/0003-pinned-litellm.md"
    assert f"litellm=={pinned[1]} " in _read("requirements.in")


def test_the_image_is_built_from_what_exists_and_is_let_through() -> None:
    allowed = {line[1:] for line in _read(".dockerignore").splitlines() if line.startswith("!")}
    copied = [shlex.split(line)[1:-1] for line in _instructions() if line.startswith("COPY") and "--from" not in line]
    names = {name for group in copied for name in group}
    assert names == allowed, "Dockerfile and .dockerignore disagree"
    assert not [name for name in names if not (ROOT / name).exists()]
    packages = tomllib.loads(_read("pyproject.toml"))["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.rstrip("*") for name in packages} <= names


def test_the_image_is_pinned_and_runs_without_rights() -> None:
    text = "\n".join(_instructions())
    final = text.rpartition("\nFROM ")[2]
    assert len(re.findall(r"pip .*?install .*?-r \S+\.lock", text)) == text.count("--require-hashes -r") == 3
    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert final.index("USER ") < final.index("ENTRYPOINT ")
    assert "/health" in final
    assert "pip uninstall" in final, "no build tools in the image"
    assert "VOLUME /data" in final
    assert "COPY --from=build /opt/llmproxy /opt/llmproxy" in final


def test_the_metadata_is_complete_and_extras_are_explained() -> None:
    built = tomllib.loads(_read("pyproject.toml"))
    project = built["project"]
    wanted = ("version", "description", "readme", "requires-python", "license", "license-files", "authors", "keywords")
    assert [name for name in wanted if not project.get(name)] == []
    for kind in ("Development Status", "Intended Audience", "Operating System", "Topic", "Programming Language"):
        assert any(classifier.startswith(f"{kind} :: ") for classifier in project["classifiers"]), kind
    extras = built["tool"]["setuptools"]["dynamic"]["optional-dependencies"]
    explained = re.findall(r"^\| `(\w+)` \|", _read("docs/install.md"), re.MULTILINE)
    assert list(extras) == explained
    assert {f"requirements-{name}" for name in extras} <= set(PAIRS)


def test_the_example_environment_has_every_setting() -> None:
    named = set(re.findall(r"^# ([A-Z_]+)=", _read(".env.example"), re.MULTILINE))
    settings = {name.upper() for name in Settings.model_fields}
    assert settings <= named
    ours = {name for name in named if name.startswith("LLMPROXY_")}
    assert ours <= settings, "a setting that does not exist stops the start"
    assert not re.findall(r"^[A-Z_]+=", _read(".env.example"), re.MULTILINE), "a copy of it must change nothing"


def test_defaults_in_the_example_environment_are_true() -> None:
    for name, shown in re.findall(r"^# ([A-Z_]+)=(.+)$", _read(".env.example"), re.MULTILINE):
        default = Settings.model_fields[name.lower()].default
        if isinstance(default, bool):
            assert shown == str(default).lower()
        elif isinstance(default, int | float):
            assert float(shown) == default, name
        else:
            assert shown == str(default), name


def test_the_makefile_offers_what_the_readme_promises() -> None:
    targets = set(re.findall(r"^([a-z]+):", _read("Makefile"), re.MULTILINE))
    assert {"install", "serve", "test", "check", "bench", "fmt", "lock", "clean"} <= targets
    for page in ("README.md", "CONTRIBUTING.md", ".ci/run"):
        for target in re.findall(r"^\s*(?:`)?make ([a-z]+)", _read(page), re.MULTILINE):
            assert target in targets, f"{page}: make {target}"
    assert _read("README.md").splitlines()[2:5][1].startswith("make serve")


def test_the_linter_selects_everything() -> None:
    ruff = tomllib.loads(_read("pyproject.toml"))["tool"]["ruff"]["lint"]
    assert "ALL" in ruff["select"]
    assert ruff["flake8-tidy-imports"]["banned-api"]["unittest.mock"]["msg"]
