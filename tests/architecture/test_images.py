"""Container images are exact: a release, never a moving tag, and a digest where a build argument gives one."""

from __future__ import annotations

import re

from tests.tools import ROOT

EXACT = re.compile(r"(\d+\.\d+\.\d+|EN\d{8})")


def test_base_images_name_an_exact_release_and_take_a_digest() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    arguments = dict(re.findall(r"^ARG (\w+)=(.*)$", text, re.MULTILINE))
    images = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(images) == 2
    for image in images:
        name, plus, digest = image.partition("${PYTHON_DIGEST:+@${PYTHON_DIGEST}}")
        assert (bool(plus), digest) == (True, "")
        for argument, value in arguments.items():
            name = name.replace(f"${{{argument}}}", value)
        assert EXACT.search(name.partition(":")[2]), image
    assert arguments["PYTHON_DIGEST"] == ""


def test_images_of_the_compose_file_name_an_exact_release_and_take_a_digest() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    images = [image for image in re.findall(r"^ +image: (\S+)", text, re.MULTILINE) if image != "llmproxy:local"]
    assert len(images) == 1
    for image in images:
        name, _, digest = image.partition("${")
        assert EXACT.search(name.rpartition(":")[2]), image
        assert re.fullmatch(r"(\w+):\+@\$\{\1\}\}", digest), image
    assert "PYTHON_DIGEST: ${PYTHON_DIGEST:-}" in text
