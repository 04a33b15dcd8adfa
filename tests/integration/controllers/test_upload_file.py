"""Upload files: contents, permissions, failing disks, and calls that end first."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path

import pytest

from domain.errors import UnavailableError
from domain.form import InMemory
from infra.controllers.openai.upload_file import BLOCK, OnDisk, UploadFile, Uploads
from tests.fakes.full_disk import file_size_limit
from tests.fakes.http_calls import until


def open_files(folder: Path) -> int:
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the listing itself
            found += str(link.readlink()).startswith(str(folder))
    return found


def test_in_memory() -> None:
    content = InMemory(b"hello")
    assert (content.size, content.read(1, 3), content.read(4, 9), content.read(9, 1)) == (5, b"ell", b"o", b"")
    assert (list(content.blocks()), list(InMemory(b"").blocks())) == ([b"hello"], [])


async def test_contents_share_one_file_and_can_be_read_again(tmp_path: Path) -> None:
    first, second = os.urandom(BLOCK + 10), os.urandom(100)
    with Uploads(tmp_path).upload() as upload:
        one, other = OnDisk(upload, upload.put(first), len(first)), OnDisk(upload, upload.put(second), len(second))
        await upload.flush()
        for _ in range(2):
            assert [len(block) for block in one.blocks()] == [BLOCK, 10]
            assert b"".join(one.blocks()) == first
        assert other.read(0, 1000) == second
        assert (one.read(BLOCK, 1000), one.read(BLOCK + 10, 5), one.read(BLOCK + 99, 5)) == (first[BLOCK:], b"", b"")
        assert open_files(tmp_path) == 1
        assert not any(os.scandir(tmp_path))  # nobody else can open it, and nothing is left behind by a crash


async def test_nothing_is_opened_for_a_form_that_needs_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    with Uploads(folder).upload() as upload:
        await upload.flush()
    assert not folder.exists()


async def test_the_folder_is_for_us_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "uploads"
    with Uploads(folder).upload() as upload:
        upload.put(b"x")
        await upload.flush()
    assert folder.stat().st_mode & 0o777 == 0o700


async def test_a_closed_upload_cannot_be_read(tmp_path: Path) -> None:
    with Uploads(tmp_path).upload() as upload:
        content = OnDisk(upload, upload.put(b"x"), 1)
        await upload.flush()
    upload.close()
    with pytest.raises(ValueError, match="already closed"):
        content.read(0, 1)
    await until(lambda: open_files(tmp_path) == 0)


async def test_a_write_under_way_ends_before_the_file_is_closed(tmp_path: Path) -> None:
    with Uploads(tmp_path).upload() as upload:
        upload.put(bytes(64 << 20))
        writing = asyncio.create_task(upload.flush())
        await until(lambda: open_files(tmp_path) == 1)
        writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await until(lambda: open_files(tmp_path) == 0)


async def test_a_call_that_ends_before_its_write_began_opens_nothing(tmp_path: Path) -> None:
    upload = Uploads(tmp_path).upload()
    upload.close()
    upload.put(b"x")
    with pytest.raises(ValueError, match="already closed"):
        await upload.flush()
    assert open_files(tmp_path) == 0


@pytest.mark.parametrize("size", [0, BLOCK + 1])
async def test_a_full_disk_is_said_to_the_caller_and_to_the_operator(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, size: int
) -> None:
    with caplog.at_level(logging.ERROR), file_size_limit(size), Uploads(tmp_path).upload() as upload:
        upload.put(bytes(BLOCK))
        upload.put(bytes(BLOCK))
        with pytest.raises(UnavailableError, match="cannot be stored"):
            await upload.flush()
    assert [record.__dict__["reason"] for record in caplog.records] == ["File too large"]
    await until(lambda: open_files(tmp_path) == 0)


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Uploads(tmp_path / "file" / "uploads").upload() as upload:
        upload.put(b"x")
        with pytest.raises(UnavailableError):
            await upload.flush()


def test_spools_do_not_share_their_files(tmp_path: Path) -> None:
    async def use(upload: UploadFile, text: bytes) -> bytes:
        upload.put(text)
        await upload.flush()
        return upload.read(0, 10)

    async def both() -> list[bytes]:
        uploads = Uploads(tmp_path)
        with uploads.upload() as one, uploads.upload() as other:
            return [*await asyncio.gather(use(one, b"one"), use(other, b"other"))]

    assert asyncio.run(both()) == [b"one", b"other"]
