from __future__ import annotations

from pathlib import Path

import pytest

from infra.telemetry.memory_watch import MemoryWatch, container_limit


@pytest.mark.parametrize(
    ("text", "limit"), [("1000000000\n", 900_000_000), ("max\n", None), ("9223372036854771712\n", None), (None, None)]
)
def test_the_limit_of_the_container_is_nine_tenths_of_what_it_may_use(
    tmp_path: Path, text: str | None, limit: int | None
) -> None:
    if text is not None:
        (tmp_path / "memory.max").write_text(text)
    assert container_limit([tmp_path / "missing", tmp_path / "memory.max"]) == limit


async def test_without_a_limit_nothing_is_watched() -> None:
    watch = MemoryWatch(None, {})
    await watch.run()
    assert watch.facts()["problems"] == []
