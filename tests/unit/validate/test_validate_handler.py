from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketlake.batch_rows import PARQUET, AcceptedDay, read_batch_rows, to_parquet
from marketlake.contract import Contract
from marketlake.errors import UpstreamMalformed
from marketlake.intervals import from_intervals, to_intervals
from marketlake.layout import before_key, clean_key, raw_key, year_key
from marketlake.markers import Marker, write_marker
from marketlake.messages import Batch
from marketlake.schemas import polars_schema
from marketlake.storage import ObjectMissing
from marketlake.stored import DAYS as HELD_DAYS
from tests.unit.frames import held
from tests.unit.lake import (
    PRICES,
    RATES,
    SHORT_LIST,
    TEN,
    Bar,
    Context,
    Counting,
    Lake,
    at,
    batch_of,
    before_csv,
    prices_csv,
    task_of,
)
from validate.anchors import held_rows
from validate.handler import handler, rows_to_review
from validate.raw import RawDay, read_raw

BEFORE = date(2022, 12, 30)
DAYS = [date(2023, 1, day) for day in (3, 4, 5, 6)]
BATCH = batch_of(PRICES, ["2023-01-03/2023-01-06"])
GOOD = [at(ticker, 500) for ticker in TEN]


@pytest.fixture(autouse=True)
def _ten_symbols(lake: Lake) -> None:
    lake.list_symbols("constituents.csv", SHORT_LIST)


def put(lake: Lake, bars_of_days: dict[date, Sequence[Bar]], symbols: Sequence[str] = ()) -> None:
    for day, bars in bars_of_days.items():
        lake.raw.put(raw_key(PRICES, day, symbols), prices_csv(bars), "text/csv")


def fetched(days: Sequence[date], contract: Contract = PRICES, **more: Any) -> dict[str, Any]:
    return {"days": to_intervals(contract, days), "stored": len(days), **more}


def validate(answer: dict[str, Any], batch: dict[str, Any] = BATCH, execution: str = "run-1") -> dict[str, Any]:
    context: Any = Context()
    event = {"task": task_of("Validate", execution, index=2), "batch": batch, "fetched": answer}
    return handler(event, context)


def quarantined(lake: Lake, execution: str = "run-1") -> list[dict[str, str]]:
    body = lake.raw.get(f"quarantine/ftse100_prices/execution={execution}/batch-2.csv").body
    return list(csv.DictReader(io.StringIO(body.decode())))


def test_good_days_are_accepted_with_the_hash_of_what_was_seen(lake: Lake) -> None:
    put(lake, dict.fromkeys(DAYS, GOOD))
    found = validate(fetched(DAYS))
    assert found == {
        "accepted": 4,
        "unchanged": 0,
        "rejected": 0,
        "rejected_rows": 0,
        "flagged_rows": 0,
        "rejections": [],
        "example": None,
        "manifest": "manifests/run-1/2-rows.parquet",
    }
    sha = RawDay(DAYS[0], prices_csv(GOOD)).sha256
    rows = read_batch_rows(lake.clean, found["manifest"])
    assert rows.days == [AcceptedDay(day, sha) for day in DAYS]
    assert rows.frame.select("dt", "ticker", "close").rows() == [(day, ticker, 5.0) for day in DAYS for ticker in TEN]
    assert (rows.before.rows(), rows.unchanged) == ([], [])
    with pytest.raises(ObjectMissing):
        quarantined(lake)


def test_a_bad_row_goes_to_quarantine_with_its_reason_and_the_day_goes_on(lake: Lake) -> None:
    put(lake, {DAYS[0]: [*GOOD[:9], Bar("J.L", close=-1)], DAYS[1]: GOOD})
    found = validate(fetched(DAYS[:2]))
    assert (found["accepted"], found["rejected"], found["rejected_rows"]) == (2, 0, 1)
    (row,) = quarantined(lake)
    assert (row["dt"], row["ticker"], row["reason"]) == ("2023-01-03", "J.L", "close is not positive")
    rows = read_batch_rows(lake.clean, found["manifest"])
    assert [(day.dt, day.quarantined) for day in rows.days] == [(DAYS[0], 1), (DAYS[1], 0)]
    assert rows.frame.select("dt", "ticker").rows() == [(DAYS[0], t) for t in TEN[:9]] + [(DAYS[1], t) for t in TEN]


def test_a_bad_row_without_a_ticker_takes_no_other_with_it(lake: Lake) -> None:
    put(lake, {DAYS[0]: [*GOOD[:9], Bar("")]})
    rows = read_batch_rows(lake.clean, validate(fetched(DAYS[:1]))["manifest"])
    assert (rows.frame["ticker"].to_list(), rows.days[0].quarantined) == (TEN[:9], 1)


def test_a_rejected_day_leaves_its_rows_as_evidence_and_others_go_on(lake: Lake) -> None:
    put(lake, {DAYS[0]: GOOD, DAYS[1]: [*GOOD[:8], Bar("I.L", close=0), Bar("J.L", currency="JPY")]})
    found = validate(fetched(DAYS[:2]))
    assert (found["accepted"], found["rejected"], found["rejected_rows"]) == (1, 1, 2)
    assert [day.dt for day in read_batch_rows(lake.clean, found["manifest"]).days] == DAYS[:1]
    assert [row["ticker"] for row in quarantined(lake)] == ["I.L", "J.L"]
    assert found["example"] == found["rejections"][0]
    assert found["example"]["error"] == "DataQualityError"
    assert found["example"]["input"] == {"datasets": ["ftse100_prices"], "start": "2023-01-04", "end": "2023-01-04"}


def test_nothing_accepted_hands_no_rows_on(lake: Lake) -> None:
    put(lake, {DAYS[0]: GOOD[:3]})
    found = validate(fetched(DAYS[:1]))
    assert (found["accepted"], found["rejected"]) == (0, 1)
    with pytest.raises(ObjectMissing):
        lake.clean.get(found["manifest"])


def test_late_days_and_holes_are_rejections_like_others(lake: Lake) -> None:
    put(lake, {DAYS[1]: GOOD})
    found = validate(fetched(DAYS[1:2], late=["2023-01-06"], holes=["2023-01-03"]))
    assert [(message["days"], message["error"]) for message in found["rejections"]] == [
        (["2023-01-03"], "UpstreamUnavailable"),
        (["2023-01-06"], "NotYetPublished"),
    ]
    assert found["accepted"] == 1


def test_a_batch_of_which_nothing_came_is_reported_day_by_day(lake: Lake) -> None:
    found = validate(fetched([], holes=["2023-01-03/2023-01-06"]))
    assert (found["accepted"], found["rejected"], len(found["rejections"])) == (0, 4, 4)
    assert lake.everything() == {}


def test_the_bars_before_the_batch_tell_a_unit_error_on_its_first_day(lake: Lake) -> None:
    put(lake, {DAYS[0]: [*GOOD[:9], at("J.L", 5.0)]})
    lake.raw.put(before_key(PRICES, DAYS[0]), before_csv([(BEFORE, bar) for bar in GOOD]), "text/csv")
    assert validate(fetched(DAYS[:1]))["rejected_rows"] == 0, "without context nothing can be known"
    assert validate(fetched(DAYS[:1], before=True))["rejected_rows"] == 1
    assert "a unit error" in quarantined(lake)[0]["reason"]


def test_the_last_bars_before_the_batch_go_on_with_its_rows(lake: Lake) -> None:
    put(lake, {DAYS[0]: GOOD})
    days = ((date(2022, 12, 29), 480), (BEFORE, 490))
    earlier = [(day, at(ticker, close)) for ticker in reversed(TEN) for day, close in days]
    lake.raw.put(before_key(PRICES, DAYS[0]), before_csv(earlier), "text/csv")
    before = read_batch_rows(lake.clean, validate(fetched(DAYS[:1], before=True))["manifest"]).before
    assert before.select("ticker", "close").rows() == [(ticker, 4.9) for ticker in TEN]


def mark(lake: Lake, day: date, sha: str, version: int = PRICES.version, quarantined: int = 0) -> None:
    """A day that is loaded: its object and its marker."""
    etag = lake.clean.put(clean_key("ftse100_prices", day), b"rows", "x/parquet")
    write_marker(lake.clean, Marker("ftse100_prices", day, version, sha, etag, 10, quarantined, "earlier"))


def test_a_daily_run_leaves_out_days_whose_raw_bytes_are_the_same(lake: Lake) -> None:
    put(lake, {DAYS[0]: GOOD, DAYS[1]: GOOD, DAYS[2]: [at(ticker, 510) for ticker in TEN]})
    sha = RawDay(DAYS[0], prices_csv(GOOD)).sha256
    for day, version in ((DAYS[0], PRICES.version), (DAYS[1], PRICES.version + 1), (DAYS[2], PRICES.version)):
        mark(lake, day, sha, version)
    found = validate(fetched(DAYS[:3]), {**BATCH, "recheck": True})
    # Same bytes under another contract, and other bytes, are to be loaded again.
    rows = read_batch_rows(lake.clean, found["manifest"])
    assert (found["unchanged"], rows.unchanged, [day.dt for day in rows.days]) == (1, DAYS[:1], DAYS[1:3])
    assert validate(fetched(DAYS[:3]))["accepted"] == 3, "a forced run looks at no marker"


def test_a_day_is_unchanged_only_where_the_lake_holds_what_its_marker_says(lake: Lake) -> None:
    put(lake, dict.fromkeys(DAYS[:3], GOOD))
    for day in DAYS[:3]:
        mark(lake, day, RawDay(day, prices_csv(GOOD)).sha256)
    lake.clean.put(clean_key("ftse100_prices", DAYS[1]), b"of a correction whose check failed", "x/parquet")
    lake.client.delete_object(Bucket=lake.clean.name, Key=clean_key("ftse100_prices", DAYS[2]))
    found = validate(fetched(DAYS[:3]), {**BATCH, "recheck": True})
    rows = read_batch_rows(lake.clean, found["manifest"])
    assert (rows.unchanged, [day.dt for day in rows.days]) == (DAYS[:1], DAYS[1:3])


def test_a_day_in_the_lake_of_which_few_rows_came_again_is_no_failure(lake: Lake) -> None:
    put(lake, {DAYS[0]: GOOD[:3]})
    assert validate(fetched(DAYS[:1]))["rejected"] == 1
    assert validate(fetched(DAYS[:1]), {**BATCH, "recheck": True})["accepted"] == 1


def test_known_bad_rows_of_an_unchanged_day_are_not_reported_again(lake: Lake) -> None:
    bars = [*GOOD[:9], Bar("J.L", close=-1)]
    put(lake, {DAYS[0]: bars})
    sha = RawDay(DAYS[0], prices_csv(bars)).sha256
    mark(lake, DAYS[0], sha, quarantined=1)
    found = validate(fetched(DAYS[:1]), {**BATCH, "recheck": True})
    assert (found["unchanged"], found["rejected_rows"]) == (1, 0)
    assert [key for key in lake.everything() if key.startswith("quarantine/")] == []


def test_a_day_in_the_lake_that_its_source_lacks_now_is_not_a_failure() -> None:
    found = validate(fetched([], late=["2023-01-06"], holes=["2023-01-03"]), {**BATCH, "recheck": True})
    assert (found["rejected"], found["rejections"]) == (0, [])


def test_some_symbols_are_accepted_where_any_of_them_has_a_good_row(lake: Lake) -> None:
    asked = batch_of(PRICES, ["2023-01-03/2023-01-04"], ["A.L", "B.L"])
    put(lake, {DAYS[0]: GOOD[:2], DAYS[1]: GOOD[:1]}, ["A.L", "B.L"])
    assert validate(fetched(DAYS[:2]), asked)["accepted"] == 2
    put(lake, {DAYS[0]: GOOD[:2], DAYS[1]: [Bar("A.L", close=None)]}, ["A.L", "B.L"])
    found = validate(fetched(DAYS[:2]), asked)
    assert (found["accepted"], found["rejections"][0]["days"]) == (1, ["2023-01-04"])


def test_days_that_the_source_lacks_of_some_symbols_are_no_loss_unless_it_lacks_all(lake: Lake) -> None:
    asked = batch_of(PRICES, ["2023-01-03/2023-01-04"], ["A.L"])
    put(lake, {DAYS[0]: GOOD[:1]}, ["A.L"])
    assert validate(fetched(DAYS[:1], holes=["2023-01-04"]), asked)["rejected"] == 0
    assert validate(fetched([], holes=["2023-01-03/2023-01-04"]), asked)["rejected"] == 2


def test_a_raw_object_that_is_no_csv_stops_the_batch_and_names_the_day(lake: Lake) -> None:
    put(lake, {DAYS[0]: GOOD})
    lake.raw.put(raw_key(PRICES, DAYS[1]), b"<html>Too many requests</html>", "text/csv")
    with pytest.raises(UpstreamMalformed, match="ftse100_prices 2023-01-04"):
        validate(fetched(DAYS[:2]))
    assert not any(key.startswith("manifests/") for key in lake.everything())


def test_rates_are_measured_against_the_currencies_of_the_day(lake: Lake) -> None:
    lake.list_symbols("currencies.csv", b"symbol,valid_from,valid_to\nUSD,1999-01-04,\nHRK,1999-01-04,2022-12-30\n")
    key = raw_key(RATES, DAYS[0])
    lake.raw.put(key, b'{"base":"EUR","date":"2023-01-03","rates":{"USD":1.05}}', "application/json")
    assert validate(fetched(DAYS[:1], RATES), batch_of(RATES, ["2023-01-03"]))["accepted"] == 1


CLOSES = st.sampled_from([500.0, 510.0, 5.0, 0.0, -1.0, 3000.0])
DAY_BARS = st.lists(st.tuples(st.sampled_from(TEN), CLOSES), max_size=3).map(
    lambda changes: [*[bar for bar in GOOD if bar.ticker not in dict(changes)], *(Bar(t, close=c) for t, c in changes)]
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(bars=st.lists(DAY_BARS, min_size=1, max_size=4), known=st.sets(st.integers(0, 3)), recheck=st.booleans())
def test_every_stored_day_is_accepted_rejected_or_unchanged_and_no_bad_row_goes_on(
    lake: Lake, bars: list[list[Bar]], known: set[int], recheck: bool
) -> None:
    for key in lake.everything():  # of the example before
        lake.client.delete_object(Bucket=(lake.raw if key.startswith("raw") else lake.clean).name, Key=key)
    stored = DAYS[: len(bars)]
    put(lake, dict(zip(stored, bars, strict=True)))
    shas = {day: RawDay(day, prices_csv(of_day)).sha256 for day, of_day in zip(stored, bars, strict=True)}
    for number in known & set(range(len(bars))):
        day = stored[number]
        mark(lake, day, shas[day])

    found = validate(fetched(stored), {**BATCH, "recheck": recheck})

    rows = read_batch_rows(lake.clean, found["manifest"]) if found["accepted"] else None
    accepted = [day.dt for day in rows.days] if rows else []
    rejected = [day for message in found["rejections"] for day in from_intervals(PRICES, message["days"])]
    unchanged = [stored[n] for n in sorted(known) if n < len(stored)] if recheck else []
    assert sorted([*accepted, *rejected, *unchanged]) == stored
    assert (found["accepted"], found["rejected"], found["unchanged"]) == (
        len(accepted),
        len(rejected),
        len(unchanged),
    )
    if rows is None:
        return
    assert rows.frame["dt"].unique().sort().to_list() == accepted
    for one in rows.days:
        assert one.raw_sha256 == shas[one.dt]
        frame = rows.frame.filter(pl.col("dt") == one.dt)
        assert frame.height >= (1 if recheck else 9)
        assert frame["ticker"].is_unique().all()
        assert frame.select((pl.col("close") > 0).all()).item()


def hold(lake: Lake, closes: dict[date, dict[str, float]], flags: str | None = None) -> None:
    """The years' objects, with these closes (pounds)."""
    schema = {"dt": pl.String(), **polars_schema(PRICES)}
    for year in {day.year for day in closes}:
        rows = [
            {"dt": f"{day}", "ticker": ticker, "close": close, "flags": flags}
            for day, of_day in closes.items()
            for ticker, close in of_day.items()
            if day.year == year
        ]
        body = to_parquet(pl.DataFrame(rows, schema=schema), metadata={HELD_DAYS: "{}"})
        lake.clean.put(year_key("ftse100_prices", year), body, PARQUET)


def test_an_answer_is_held_against_the_day_before_it_in_the_lake(lake: Lake) -> None:
    hold(lake, {BEFORE: dict.fromkeys(TEN, 5.0)})
    put(lake, {DAYS[0]: [*GOOD[:9], at("J.L", 5.0)]})
    before = [(BEFORE, bar) for bar in [*GOOD[:9], at("J.L", 5.05)]]
    lake.raw.put(before_key(PRICES, DAYS[0]), before_csv(before), "text/csv")
    assert validate(fetched(DAYS[:1], before=True))["rejected_rows"] == 1
    continues = {**BATCH, "continues": True}
    found = validate(fetched(DAYS[:1], before=True), continues)
    assert found["rejected_rows"] == 0, "the execution writes the day before by itself"


def test_a_symbol_that_the_year_lacks_is_looked_for_in_the_year_before(lake: Lake) -> None:
    """As where its answers have been in the wrong unit since then."""
    days = [date(2023, 6, 1), date(2023, 6, 2)]
    hold(lake, {date(2022, 12, 1): {"J.L": 5.0}, days[0]: dict.fromkeys(TEN[:9], 5.0)})
    put(lake, {days[1]: [*GOOD[:9], at("J.L", 5.0)]})
    assert validate(fetched(days[1:]), batch_of(PRICES, [f"{days[1]}"]))["rejected_rows"] == 1


def test_held_rows_cost_one_request_a_batch(lake: Lake) -> None:
    hold(lake, {BEFORE: dict.fromkeys(TEN, 5.0), DAYS[0]: dict.fromkeys(TEN, 5.0)})
    counting, frame = Counting(lake.clean), read_raw(PRICES, [RawDay(DAYS[1], prices_csv(GOOD))])
    batch = msgspec.convert(BATCH, Batch)
    held = held_rows(PRICES, counting, batch, DAYS[1], frame)
    assert (counting.read, set(held["dt"])) == (["by_year/ftse100_prices/year=2023/part-0.parquet"], {DAYS[0]})


RECHECK = {**BATCH, "recheck": True}


def test_on_a_look_back_no_day_is_rejected_whatever_came_of_it(lake: Lake) -> None:
    hold(lake, {BEFORE: dict.fromkeys(TEN, 5.0), DAYS[0]: dict.fromkeys(TEN, 5.0)})
    put(lake, {DAYS[0]: [*(Bar(ticker, close=0) for ticker in TEN[:9]), GOOD[9]]})
    found = validate(fetched(DAYS[:1]), RECHECK)
    assert (found["accepted"], found["unchanged"], found["rejected"], found["rejected_rows"]) == (1, 0, 0, 9)
    put(lake, {DAYS[0]: [at(ticker, 5.0) for ticker in TEN]})
    found = validate(fetched(DAYS[:1]), RECHECK)
    assert (found["accepted"], found["unchanged"], found["rejected"], found["rejected_rows"]) == (0, 1, 0, 10)


def test_the_same_bytes_are_looked_at_again_where_they_are_judged_otherwise_now(lake: Lake) -> None:
    """A spike of which the day after has come since."""
    closes = {DAYS[0]: 500, DAYS[1]: 800, DAYS[2]: 505}
    put(lake, {day: [*GOOD[:9], at("J.L", close)] for day, close in closes.items()})
    hold(lake, {day: {**dict.fromkeys(TEN, 5.0), "J.L": close / 100} for day, close in closes.items()})
    for day, close in closes.items():
        mark(lake, day, RawDay(day, prices_csv([*GOOD[:9], at("J.L", close)])).sha256)
    found = validate(fetched(DAYS[:3]), RECHECK)
    rows = read_batch_rows(lake.clean, found["manifest"])
    assert (rows.unchanged, found["flagged_rows"]) == ([DAYS[0], DAYS[2]], 1)
    assert rows.frame.filter(pl.col("flags") == "spike").select("dt", "ticker").rows() == [(DAYS[1], "J.L")]


def test_rows_to_review_are_a_large_share_of_a_batch_or_bad_for_two_days() -> None:
    reasons = [None] * 98 + ["bad", "bad"]
    rows = pl.DataFrame(
        {"dt": [DAYS[0]] * 100, "ticker": [f"{n}.L" for n in range(100)], "reason": reasons},
        schema={"dt": pl.Date(), "ticker": pl.String(), "reason": pl.String()},
    )
    nothing, batch = held(PRICES, []), msgspec.convert(BATCH, Batch)
    assert rows_to_review(PRICES, batch, rows, nothing) == 0
    assert rows_to_review(PRICES, batch, rows[1:], nothing) == 2
    looked_back = msgspec.structs.replace(batch, recheck=True)
    assert rows_to_review(PRICES, looked_back, rows, nothing) == 2
    assert rows_to_review(PRICES, looked_back, rows, held(PRICES, [(DAYS[0], "98.L", 5.0)])) == 1
