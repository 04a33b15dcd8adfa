"""Files of a spool: rotation, what is deleted when, and who owns them."""

from pathlib import Path

from infra.usage_store.spool import Spool


def segments(directory: Path) -> list[Path]:
    return sorted(directory.rglob("*.ndjson"))


def test_a_new_file_is_begun_when_one_is_large(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path, segment_bytes=10)
    lines = [f"line {n}\n".encode() for n in range(10)]
    for line in lines:
        spool.append(line)
    assert [path.read_bytes().count(b"\n") for path in segments(tmp_path)] == [2] * 5

    read: list[bytes] = []
    left = []
    while found := spool.read(3):
        read += found
        spool.release(found)
        left.append(len(segments(tmp_path)))
    assert read == lines
    assert left == [4, 3, 2, 1, 1]
    assert segments(tmp_path)[0].stat().st_size == 0
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_reading_without_releasing_reads_the_same_again(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path)
    for n in range(5):
        spool.append(b"%d\n" % n)
    assert spool.read(2) == spool.read(2) == [b"0\n", b"1\n"]
    spool.release(spool.read(2))
    assert (spool.read(9), spool.waiting) == ([b"2\n", b"3\n", b"4\n"], 3)
    spool.close()


def test_only_the_spool_of_nobody_can_be_taken_over_and_only_once(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path)
    spool.append(b"a\n")
    (folder,) = tmp_path.iterdir()
    assert Spool.take_over(folder) is None
    spool.close()

    heir = Spool.take_over(folder)
    assert heir is not None
    assert (heir.waiting, heir.torn, heir.read(9)) == (1, 0, [b"a\n"])
    assert Spool.take_over(folder) is None
    heir.release(heir.read(9))
    heir.close()
    assert Spool.take_over(folder) is None
    assert not folder.exists()


def test_several_files_come_in_order_and_empty_ones_disappear(tmp_path: Path) -> None:
    folder = tmp_path / "1-x"
    folder.mkdir()
    for name, content in (("2", b"c\nto"), ("0", b"a\nb\n"), ("1", b""), ("3", b"torn")):
        (folder / f"{name}.ndjson").write_bytes(content)
    spool = Spool.take_over(folder)
    assert spool is not None
    assert (spool.waiting, spool.torn) == (3, 2)
    found = []
    while lines := spool.read(2):
        found += lines
        spool.release(lines)
    assert found == [b"a\n", b"b\n", b"c\n"]
    spool.close()
    assert not folder.exists()
