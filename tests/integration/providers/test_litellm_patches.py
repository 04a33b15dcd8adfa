"""LiteLLM still has each fault that a patch works around; a patch whose check fails here can go."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.tools import ROOT


def test_every_patch_is_still_needed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.providers.litellm_faults"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    patches = {path.stem for path in (ROOT / "infra/providers/litellm/patches").glob("[!_]*.py")}
    assert found == dict.fromkeys(sorted(patches), True)
