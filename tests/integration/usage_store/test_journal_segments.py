"""Files of a journal segment store: rotation, what is deleted when, and who owns them."""

from pathlib import Path

from infra.usage_store.journal_segments import JournalSegments


def segment_files(directory: Path) -> list[Path]:
    return sorted(directory.rglob("*.ndjson"))


def test_a_new_file_is_begun_when_one_is_large(tmp_path: Path) -> None:
    segments = JournalSegments.create(tmp_path, segment_bytes=10)
    lines = [f"line {n}\n".encode() for n in range(10)]
    for line in lines:
        segments.append(line)
    assert [path.read_bytes().count(b"\n") for path in segment_files(tmp_path)] == [2] * 5

    read: list[bytes] = []
    left = []
    while found := segments.read(3):
        read += found
        segments.release(found)
        left.append(len(segment_files(tmp_path)))
    assert read == lines
    assert left == [4, 3, 2, 1, 1]
    assert segment_files(tmp_path)[0].stat().st_size == 0
    segments.close()
    assert list(tmp_path.iterdir()) == []


def test_reading_without_releasing_reads_the_same_again(tmp_path: Path) -> None:
    segments = JournalSegments.create(tmp_path)
    for n in range(5):
        segments.append(b"%d\n" % n)
    assert segments.read(2) == segments.read(2) == [b"0\n", b"1\n"]
    segments.release(segments.read(2))
    assert (segments.read(9), segments.waiting) == ([b"2\n", b"3\n", b"4\n"], 3)
    segments.close()


def test_only_segments_of_a_dead_process_can_be_taken_over_and_only_once(tmp_path: Path) -> None:
    segments = JournalSegments.create(tmp_path)
    segments.append(b"a\n")
    (folder,) = tmp_path.iterdir()
    assert JournalSegments.take_over(folder) is None
    segments.close()

    heir = JournalSegments.take_over(folder)
    assert heir is not None
    assert (heir.waiting, heir.torn, heir.read(9)) == (1, 0, [b"a\n"])
    assert JournalSegments.take_over(folder) is None
    heir.release(heir.read(9))
    heir.close()
    assert JournalSegments.take_over(folder) is None
    assert not folder.exists()


def test_several_files_come_in_order_and_empty_ones_disappear(tmp_path: Path) -> None:
    folder = tmp_path / "1-x"
    folder.mkdir()
    for name, content in (("2", b"c\nto"), ("0", b"a\nb\n"), ("1", b""), ("3", b"torn")):
        (folder / f"{name}.ndjson").write_bytes(content)
    segments = JournalSegments.take_over(folder)
    assert segments is not None
    assert (segments.waiting, segments.torn) == (3, 2)
    found = []
    while lines := segments.read(2):
        found += lines
        segments.release(lines)
    assert found == [b"a\n", b"b\n", b"c\n"]
    segments.close()
    assert not folder.exists()
