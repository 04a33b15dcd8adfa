"""Contract of every usage store, run against each adapter."""

import asyncio
from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from application.errors import StoreUnavailableError
from application.ports.usage_store import Dimension, LedgerWriter, UnpricedRow, UsageQuery, UsageRow, UsageStore
from domain.ledger import AttemptDetail, LedgerLine
from domain.usage import LARGEST_PLAUSIBLE, QUANTITIES, Usage, UsageSource
from infra.clients.cosmos import CosmosDatabase
from infra.usage_store.cosmos import CosmosUsageStore
from infra.usage_store.sqlite import SqliteUsageStore
from tests.builders import ledger_line
from tests.fakes.cosmos_server import cosmos_account


@pytest.fixture
def store(usage_store: UsageStore) -> UsageStore:
    return usage_store


def ms(text: str, zone: str = "UTC") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def full_line() -> LedgerLine:
    """Return a line in which no field has its default."""
    quantities = {name: 1000 + number for number, name in enumerate(QUANTITIES)}
    return LedgerLine(
        id="ü-1",
        time_ms=1_795_262_400_123,
        request_id="req-é",
        project="a'b",
        key_id="k",
        operation="ChatCompletion",
        code="azure/gpt-4o",
        document_id="doc",
        provider="Azure",
        upstream_model="up",
        status=499,
        attempts=3,
        streamed=True,
        latency_ms=12_345,
        usage=Usage(**quantities, image_size="hd/1024x1024"),
        usage_source=UsageSource.PARTIAL,
        cost_units=1_234_567_890_123_456_789,
        currency="EUR",
        first_byte_ms=17,
        error="caller_gone",
        end_user="ünlü\n😀",
        tags={"cost_centre": "4711", 'te"am': "ü"},
        prices={"currency": "EUR", "input": "0.0000001"},
        unpriced=("audio_input", "image_output"),
        accounts=("month-USD|2026-11@UTC", "ü"),
        exposure_units=9_234_567_890_123_456_789,
        code_asked="gpt-4o-large",
        attempt_details=(
            AttemptDetail(
                "azure-1",
                1500,
                200,
                *(812, 4096, 4000, "upstream_protocol", "partial", 10**18, "EUR", {"x": "ü"}, "cut_stream", 7),
            ),
            AttemptDetail("azure-2", 7),
        ),
    )


async def test_every_field_of_a_line_comes_back(store: UsageStore) -> None:
    line = full_line()
    await store.add([line])
    (found,) = await store.lines()

    for field in fields(LedgerLine):
        value = getattr(line, field.name)
        assert value not in (field.default, None, "", 0), f"{field.name} is not filled in"
        if field.default_factory is not MISSING:
            assert value != field.default_factory(), f"{field.name} is not filled in"
        assert getattr(found, field.name) == value, field.name
        assert type(getattr(found, field.name)) is type(value), field.name
    assert all(getattr(found.usage, field.name) for field in fields(Usage))


async def test_what_a_line_does_not_have_comes_back_as_nothing(store: UsageStore) -> None:
    nothing = {"tags": {}, "prices": {}, "unpriced": (), "attempt_details": (AttemptDetail("azure-1", 0),)}
    line = ledger_line(first_byte_ms=None, error=None, end_user=None, **nothing)
    await store.add([line])
    assert list(await store.lines()) == [line]


async def test_a_line_is_kept_once_and_as_it_came_first(store: UsageStore) -> None:
    first = ledger_line(id="a", cost_units=1)
    await store.add([])
    await store.add([first, ledger_line(id="a", cost_units=2)])
    await store.add([ledger_line(id="b", cost_units=10), ledger_line(id="a", cost_units=3)])

    (row,) = await store.report(UsageQuery(by=()))
    assert (row.group, row.calls, row.cost_units) == ((), 2, 11)
    assert first in await store.lines()


async def test_an_end_user_is_found_and_renamed_without_changing_sums(store: UsageStore) -> None:
    names = ["ünlü\n😀", "other", None, "ünlü\n😀"]
    await store.add(
        [ledger_line(id=f"l{n}", time_ms=n, end_user=name, cost_units=7 + n) for n, name in enumerate(names)]
    )
    before = await store.report(UsageQuery(by=(Dimension.PROJECT, Dimension.MODEL)))

    found = await store.lines_of("ünlü\n😀")
    assert [line.id for line in found] == ["l3", "l0"]
    assert await store.rename_end_user("ünlü\n😀", "erased-1") == 2
    assert list(await store.lines_of("ünlü\n😀")) == []
    assert list(await store.lines_of("erased-1")) == [replace(line, end_user="erased-1") for line in found]
    assert await store.rename_end_user("ünlü\n😀", "erased-2") == 0
    assert await store.report(UsageQuery(by=(Dimension.PROJECT, Dimension.MODEL))) == before


async def test_lines_are_the_latest_first(store: UsageStore) -> None:
    lines = [ledger_line(id=f"l{n}", time_ms=n // 2, request_id=f"r{n % 2}") for n in range(10)]
    await store.add(lines)

    assert [line.id for line in await store.lines(limit=3)] == ["l9", "l8", "l7"]
    assert [line.id for line in await store.lines(request_id="r0", limit=2)] == ["l8", "l6"]
    assert list(await store.lines(request_id="absent")) == []
    assert list(await store.lines(limit=0)) == []
    assert len(await store.lines()) == 10


async def test_estimates_are_found_within_a_query(store: UsageStore) -> None:
    sources = (UsageSource.MEASURED, UsageSource.ESTIMATED, UsageSource.PARTIAL)
    made = [
        ledger_line(id=f"{project}{number}", time_ms=1000 + number, project=project, usage_source=sources[number % 3])
        for project in ("p", "q")
        for number in range(9)
    ]
    await store.add(made)
    found = await store.inexact(UsageQuery((), 1001, 1008, "p"))
    assert [line.id for line in found] == ["p7", "p5", "p4", "p2", "p1"]
    assert found[0] == made[7]
    assert len(await store.inexact(UsageQuery(()))) == 12


async def test_a_report_of_nothing_is_empty(store: UsageStore) -> None:
    for by in ((), (Dimension.DAY,), tuple(Dimension)):
        assert list(await store.report(UsageQuery(by=by, timezone="Europe/Berlin"))) == []


async def test_rows_are_in_order_and_currencies_apart(store: UsageStore) -> None:
    await store.add(
        [
            ledger_line(id="1", code="b", currency="USD", cost_units=5),
            ledger_line(id="2", code="b", currency="EUR", cost_units=7),
            ledger_line(id="3", code="a", currency="USD", cost_units=11, end_user="x"),
            ledger_line(id="4", code="a", currency="USD", cost_units=13, end_user=""),
            ledger_line(id="5", code="a", currency="USD", cost_units=17, end_user=None),
        ]
    )
    rows = await store.report(UsageQuery(by=(Dimension.MODEL, Dimension.END_USER)))
    assert [(row.group, row.currency, row.calls, row.cost_units) for row in rows] == [
        (("a", ""), "USD", 2, 30),
        (("a", "x"), "USD", 1, 11),
        (("b", ""), "EUR", 1, 7),
        (("b", ""), "USD", 1, 5),
    ]


async def test_each_column_counts_what_it_is_named_after(store: UsageStore) -> None:
    used = Usage(
        input_tokens=100, cached_input_tokens=40, output_tokens=7, characters=11, audio_milliseconds=1_250, images=2
    )
    await store.add(
        [
            ledger_line(id="1", status=200, usage=used, cost_units=1),
            ledger_line(id="2", status=399, usage_source=UsageSource.ESTIMATED, usage=used, cost_units=0),
            ledger_line(
                id="3", status=400, usage_source=UsageSource.PARTIAL, usage=used, cost_units=2, exposure_units=10**13
            ),
            ledger_line(id="4", status=502, unpriced=("input",), usage=Usage(), cost_units=0),
        ]
    )
    assert list(await store.report(UsageQuery(by=tuple(Dimension)))) == [
        UsageRow(
            group=("billing", "gpt-4o", "2026-11-21", "2026-11", "key-1", "Azure", "ChatCompletion", ""),
            currency="USD",
            calls=4,
            failed=2,
            inexact=2,
            unpriced=1,
            cost_units=3,
            exposure_units=1 + 10**13,
            used={
                "input_tokens": 300,
                "cached_input_tokens": 120,
                "output_tokens": 21,
                "characters": 33,
                "audio_milliseconds": 3_750,
                "images": 6,
            },
        )
    ]


async def test_sums_beyond_64_bits_are_exact_and_implausible_counts_are_marked(store: UsageStore) -> None:
    huge = Usage(input_tokens=2**53, output_tokens=LARGEST_PLAUSIBLE, images=1)
    lines = [ledger_line(id=f"{n:04}", usage=huge, unpriced=("input",), cost_units=2**63) for n in range(1025)]
    await store.add([*lines, ledger_line(id="plain", usage=Usage(input_tokens=LARGEST_PLAUSIBLE), cost_units=0)])
    for by in ((), tuple(Dimension)):
        (row,) = await store.report(UsageQuery(by=by))
        assert row.used["input_tokens"] == 1025 * 2**53 + LARGEST_PLAUSIBLE
        assert row.used["output_tokens"] == 1025 * LARGEST_PLAUSIBLE
        assert (row.cost_units, row.implausible) == (1025 * 2**63, 1025)
    (unpriced,) = await store.unpriced(UsageQuery(by=()))
    assert unpriced.amount == 1025 * 2**53


async def test_what_went_without_a_price_is_named_by_model_and_quantity(store: UsageStore) -> None:
    mixed = Usage(
        input_tokens=1000,
        cached_input_tokens=300,
        audio_input_tokens=100,
        image_input_tokens=50,
        output_tokens=70,
        audio_output_tokens=30,
    )
    chat = {"code": "chat", "usage": mixed, "unpriced": ("input", "output", "audio_input")}
    await store.add(
        [
            ledger_line(id="1", code="speech", usage=Usage(characters=100), unpriced=("characters",), prices={}),
            ledger_line(id="2", code="speech", usage=Usage(characters=23), unpriced=("characters",), prices={}),
            ledger_line(id="3", code="images", usage=Usage(images=4), unpriced=("image",), currency="EUR"),
            ledger_line(id="4", code="hear", usage=Usage(audio_milliseconds=61_250), unpriced=("minute",)),
            ledger_line(id="5", **chat, prices={"currency": "USD"}),
            ledger_line(id="6", **chat, prices={"cached_input": "1"}),  # 300 of the input have a price
            ledger_line(id="7", code="hear", usage=Usage(audio_milliseconds=9_999)),
            ledger_line(id="9", **chat, prices={"image_input": "1"}),  # 50 of it
            ledger_line(id="10", **(chat | {"unpriced": ("input", "image_input")}), prices={}),
            ledger_line(id="8", code="images", usage=Usage(images=9), unpriced=("image",), project="other"),
        ]
    )
    assert list(await store.unpriced(UsageQuery(by=(), project="billing"))) == [
        UnpricedRow((), "EUR", "images", "image", 1, 4),
        UnpricedRow((), "USD", "chat", "audio_input", 3, 300),
        UnpricedRow((), "USD", "chat", "image_input", 1, 50),
        UnpricedRow((), "USD", "chat", "input", 4, 900 + 600 + 850 + 850),
        UnpricedRow((), "USD", "chat", "output", 3, 120),
        UnpricedRow((), "USD", "hear", "minute", 1, 61_250),
        UnpricedRow((), "USD", "speech", "characters", 2, 123),
    ]
    assert list(await store.unpriced(UsageQuery(by=(), to_ms=5))) == []


async def test_parts_that_overlap_in_a_report_take_nothing_from_other_calls(store: UsageStore) -> None:
    overlapping = Usage(input_tokens=10, audio_input_tokens=8, cached_input_tokens=10)
    prices = {"cached_input": "1", "audio_input": "1"}
    await store.add(
        [
            ledger_line(id="1", usage=overlapping, unpriced=("input",), prices=prices),
            ledger_line(id="2", usage=Usage(input_tokens=5), unpriced=("input",), prices=prices),
        ]
    )
    assert [row.amount for row in await store.unpriced(UsageQuery(by=()))] == [5]


async def test_a_query_takes_its_first_millisecond_and_not_its_last(store: UsageStore) -> None:
    await store.add([ledger_line(id=f"{n}", time_ms=n, project="p" if n % 2 else "q") for n in range(1000, 1010)])

    async def calls(query: UsageQuery) -> int:
        return sum(row.calls for row in await store.report(query))

    assert await calls(UsageQuery(by=(), from_ms=1003)) == 7
    assert await calls(UsageQuery(by=(), to_ms=1003)) == 3
    assert await calls(UsageQuery(by=(Dimension.DAY,), from_ms=1003, to_ms=1008, project="p")) == 3
    assert await calls(UsageQuery(by=(), project="absent")) == 0


async def test_sums_of_many_awkward_costs_are_exact(store: UsageStore) -> None:
    many = 2_000 if isinstance(store, CosmosUsageStore) else 100_000  # there each line is a request
    costs = [(n * 333_333_333_333_333_331) % 9_999_999_999_999_999_989 for n in range(many)]
    costs[0] = 9_000_000 * 10**12 * 1000  # nine thousand million: one alone is more than 64 bits of units
    for start in range(0, many, many // 5):
        await store.add([ledger_line(id=f"{n}", cost_units=costs[n]) for n in range(start, start + many // 5)])

    (row,) = await store.report(UsageQuery(by=(Dimension.PROJECT,)))
    assert row.calls == len(costs)
    assert row.cost_units == sum(costs)


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("UTC", "2026-01-31T23:59:59.999", "2026-01-31"),
        ("UTC", "2024-02-29T00:00:00", "2024-02-29"),
        # Berlin: 23 hours on 2026-03-29, 25 on 2026-10-25.
        ("Europe/Berlin", "2026-03-28T22:59:59.999", "2026-03-28"),
        ("Europe/Berlin", "2026-03-28T23:00:00", "2026-03-29"),
        ("Europe/Berlin", "2026-03-29T21:59:59.999", "2026-03-29"),
        ("Europe/Berlin", "2026-03-29T22:00:00", "2026-03-30"),
        ("Europe/Berlin", "2026-10-24T22:00:00", "2026-10-25"),
        ("Europe/Berlin", "2026-10-25T22:59:59.999", "2026-10-25"),
        ("Europe/Berlin", "2026-10-25T23:00:00", "2026-10-26"),
        ("Europe/Berlin", "2026-12-31T23:00:00", "2027-01-01"),
        # São Paulo: until 2019 clocks changed at midnight, so that 2018-11-04 began at 01:00.
        ("America/Sao_Paulo", "2018-11-04T02:59:59.999", "2018-11-03"),
        ("America/Sao_Paulo", "2018-11-04T03:00:00", "2018-11-04"),
        ("America/Sao_Paulo", "2018-11-05T01:59:59.999", "2018-11-04"),
        ("America/Sao_Paulo", "2018-11-05T02:00:00", "2018-11-05"),
        ("America/Sao_Paulo", "2019-02-17T02:59:59.999", "2019-02-16"),
        ("America/Sao_Paulo", "2019-02-17T03:00:00", "2019-02-17"),
        ("America/Sao_Paulo", "2026-12-01T02:59:59.999", "2026-11-30"),
        ("America/Sao_Paulo", "2026-12-01T03:00:00", "2026-12-01"),
        ("Asia/Kathmandu", "2026-11-21T18:14:59.999", "2026-11-21"),
        ("Asia/Kathmandu", "2026-11-21T18:15:00", "2026-11-22"),
        # No 2011-12-30 in Samoa: it went over the date line.
        ("Pacific/Apia", "2011-12-30T09:59:59.999", "2011-12-29"),
        ("Pacific/Apia", "2011-12-30T10:00:00", "2011-12-31"),
        ("America/Sao_Paulo", "1970-01-01T00:00:00", "1969-12-31"),
    ],
)
async def test_days_and_months_are_those_of_the_zone(store: UsageStore, zone: str, moment: str, day: str) -> None:
    # The others make the span that the clocks are looked up for long.
    others = [ledger_line(id=year, time_ms=ms(f"{year}-07-01T12:00:00"), code="other") for year in ("2010", "2030")]
    await store.add([ledger_line(id="it", time_ms=ms(moment)), *others])

    rows = await store.report(UsageQuery(by=(Dimension.MODEL, Dimension.DAY, Dimension.MONTH), timezone=zone))
    assert [row.group[1:] for row in rows if row.group[0] != "other"] == [(day, day[:-3])]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Sao_Paulo"])
async def test_a_year_of_hours_falls_into_its_days_and_months(store: UsageStore, zone: str) -> None:
    start = ms("2018-01-01T00:00:00", zone)
    step = 6 if isinstance(store, CosmosUsageStore) else 1  # there each line is a request
    hours = [start + n * 3_600_000 for n in range(0, 365 * 24, step)]
    await store.add([ledger_line(id=str(at), time_ms=at) for at in hours])

    days = {row.group[0]: row.calls for row in await store.report(UsageQuery(by=(Dimension.DAY,), timezone=zone))}
    months = {row.group[0]: row.calls for row in await store.report(UsageQuery(by=(Dimension.MONTH,), timezone=zone))}
    expected: dict[str, int] = {}
    for at in hours:
        day = datetime.fromtimestamp(at // 1000, UTC).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d")
        expected[day] = expected.get(day, 0) + 1
    assert days == expected
    assert list(months) == [f"2018-{month:02}" for month in range(1, 13)]
    for month, calls in months.items():
        assert calls == sum(count for day, count in expected.items() if day.startswith(month))
    if zone == "Europe/Berlin" and step == 1:
        assert (days["2018-03-25"], days["2018-10-28"], days["2018-06-01"]) == (23, 25, 24)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
async def test_an_unknown_time_zone_is_reported(store: UsageStore, zone: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await store.report(UsageQuery(by=(Dimension.DAY,), timezone=zone))


async def test_the_progress_of_writers_is_replaced_and_is_no_part_of_the_ledger(store: UsageStore) -> None:
    first = LedgerWriter("1-a", "host", 1, 2, 3, waiting=4, lost=5, lost_ms=6, rejected=7, ended=False)
    for writer in (LedgerWriter("2-b", "host", 1, 2, 3), first, replace(first, updated_ms=9, ended=True)):
        await store.publish_writer(writer)
    assert list(await store.writers()) == [
        replace(first, updated_ms=9, ended=True),
        LedgerWriter("2-b", "host", 1, 2, 3),
    ]
    await store.add([ledger_line()])
    assert [line.id for line in await store.lines()] == [ledger_line().id]
    assert [row.calls for row in await store.report(UsageQuery(by=()))] == [1]
    assert list(await store.unpriced(UsageQuery(by=()))) == []
    for _ in range(2):
        await store.remove_writer("1-a")
    assert [writer.id for writer in await store.writers()] == ["2-b"]


async def _unavailable(store: UsageStore) -> None:
    with pytest.raises(StoreUnavailableError):
        await store.add([ledger_line()])
    with pytest.raises(StoreUnavailableError):
        await store.report(UsageQuery(by=(Dimension.DAY,)))
    with pytest.raises(StoreUnavailableError):
        await store.unpriced(UsageQuery(by=()))
    with pytest.raises(StoreUnavailableError):
        await store.lines()
    with pytest.raises(StoreUnavailableError):
        await store.writers()
    with pytest.raises(StoreUnavailableError):
        await store.publish_writer(LedgerWriter("1-a", "host", 1, 2, 3))
    with pytest.raises(StoreUnavailableError):
        await store.remove_writer("1-a")


async def test_unavailable_sqlite_without_its_file(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite3"
    store = SqliteUsageStore(path)
    await _unavailable(store)
    assert not path.exists()
    await store.prepare()
    path.rename(tmp_path / "aside")
    await _unavailable(store)
    await store.close()
    await store.close()
    await _unavailable(store)


async def test_unavailable_sqlite_with_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite3"
    store = SqliteUsageStore(path)
    await store.prepare()
    await store.add([ledger_line(id=f"{n}") for n in range(1000)])
    await store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    path.write_bytes(content)

    store = SqliteUsageStore(path)
    await _unavailable(store)
    await store.close()


async def test_unavailable_sqlite_with_a_folder_in_its_place(tmp_path: Path) -> None:
    store = SqliteUsageStore(tmp_path)
    with pytest.raises(StoreUnavailableError):
        await store.prepare()
    await _unavailable(store)
    await store.close()


async def test_unavailable_cosmos_without_a_server() -> None:
    store = CosmosUsageStore(CosmosDatabase(cosmos_account(1)))
    with pytest.raises(StoreUnavailableError, match="no connection"):
        await store.prepare()
    await _unavailable(store)
    await store.close()
    await _unavailable(store)


async def test_unavailable_cosmos_without_its_container(cosmos_port: int) -> None:
    store = CosmosUsageStore(CosmosDatabase(cosmos_account(cosmos_port)))
    with pytest.raises(StoreUnavailableError, match="llmproxy init"):
        await store.open()
    await _unavailable(store)
    await store.prepare()
    await store.open()
    await store.add([ledger_line()])
    await store.close()


async def test_unavailable_memory() -> None:
    pytest.skip("the memory of the process itself cannot be unavailable")


async def test_sqlite_keeps_all_of_a_batch_or_nothing(tmp_path: Path) -> None:
    store = SqliteUsageStore(tmp_path / "usage.sqlite3")
    await store.prepare()
    with pytest.raises(OverflowError):
        await store.add([ledger_line(id="good"), ledger_line(id="bad", latency_ms=2**64)])
    assert list(await store.lines()) == []
    await store.add([ledger_line(id="good")])
    assert len(await store.lines()) == 1
    await store.close()


@pytest.mark.parametrize(
    "bad",
    [{"latency_ms": 2**53 + 2}, {"id": "a/b"}, {"id": ""}, {"end_user": "\ud800"}, {"tags": {"a": "x" * 2_100_000}}],
)
async def test_cosmos_sends_nothing_of_a_batch_with_a_line_it_can_never_take(
    cosmos_port: int, bad: dict[str, object]
) -> None:
    store = CosmosUsageStore(CosmosDatabase(cosmos_account(cosmos_port)))
    await store.prepare()
    with pytest.raises((ValueError, OverflowError)):
        await store.add([ledger_line(id="good"), ledger_line(**({"id": "bad"} | bad))])
    assert list(await store.lines()) == []
    await store.close()


async def test_two_sqlite_stores_write_at_once(tmp_path: Path) -> None:
    stores = [SqliteUsageStore(tmp_path / "usage.sqlite3") for _ in range(4)]
    await asyncio.gather(*(store.prepare() for store in stores))

    async def write(number: int, store: SqliteUsageStore) -> None:
        for batch in range(20):
            shared = ledger_line(id=f"shared-{batch}")
            await store.add([shared, *(ledger_line(id=f"{number}-{batch}-{n}") for n in range(9))])

    await asyncio.gather(*(write(number, store) for number, store in enumerate(stores)))
    (row,) = await stores[0].report(UsageQuery(by=()))
    assert row.calls == 4 * 20 * 9 + 20
    for store in stores:
        await store.close()
