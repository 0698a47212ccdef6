"""What Plan accepts: everything else is refused with the field, the value and what is accepted."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from marketlake.errors import MAX_MESSAGE_BYTES, InvalidRequest
from marketlake.request import KEYS, Request, parse_request

STARTED = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
KNOWN = {"ftse100_prices": ["AZN.L", "BP.L", "BT-A.L"], "fx_rates": ["GBP", "JPY", "USD"]}


def parse(document: object, last: date | None = None) -> Request:
    return parse_request(document, KNOWN, STARTED, last)


def test_an_empty_input_is_the_daily_run_of_all_datasets() -> None:
    request = parse({})
    assert request == Request(("ftse100_prices", "fx_rates"), None, None, (), False, False, STARTED, False)
    assert request.daily


def test_everything_at_once() -> None:
    request = parse(
        {
            "datasets": ["fx_rates"],
            "start": "2022-01-01",
            "end": "2022-12-31",
            "symbols": ["USD", "GBP", "USD"],
            "force": True,
            "scheduled_time": "2026-11-20T18:30:00+01:00",
        }
    )
    assert request.datasets == ("fx_rates",)
    assert (request.start, request.end) == (date(2022, 1, 1), date(2022, 12, 31))
    assert request.symbols == ("GBP", "USD")
    assert (request.force, request.daily) == (True, False)
    assert request.at == datetime(2026, 11, 20, 17, 30, tzinfo=UTC)


def test_null_is_the_same_as_absent() -> None:
    assert parse(dict.fromkeys(("datasets", "start", "end", "symbols", "scheduled_time"))) == parse({})


def test_symbols_alone_choose_their_datasets() -> None:
    assert parse({"symbols": ["USD"]}).datasets == ("fx_rates",)
    assert parse({"symbols": ["BP.L"]}).datasets == ("ftse100_prices",)
    assert parse({"symbols": ["USD", "BP.L"]}).datasets == ("ftse100_prices", "fx_rates")


def test_an_end_alone_is_a_daily_run_that_ends_there() -> None:
    assert parse({"end": "2023-01-05"}).daily


REFUSED: list[tuple[object, list[str]]] = [
    # input, what the message must hold: field, value, what is accepted
    (None, ["input", "None", "an object"]),
    ([], ["input", "[]", "an object"]),
    ("2023-01-02", ["input", "'2023-01-02'", "an object"]),
    (7, ["input", "7", "an object"]),
    ({"begin": "2023-01-02"}, ["'begin'", *KEYS]),
    ({"Start": "2023-01-02"}, ["'Start'", *KEYS]),
    ({"": 1}, ["''", "accepted are"]),
    ({"datasets": "fx_rates"}, ["datasets", "'fx_rates'", "a list"]),
    ({"datasets": []}, ["datasets", "[]", "one or more"]),
    ({"datasets": [1]}, ["datasets", "[1]", "names"]),
    ({"datasets": ["gold"]}, ["datasets", "'gold'", "ftse100_prices, fx_rates"]),
    ({"datasets": ["fx_rates", "gold"]}, ["datasets", "'gold'", "ftse100_prices, fx_rates"]),
    ({"symbols": "BP.L"}, ["symbols", "'BP.L'", "a list"]),
    ({"symbols": []}, ["symbols", "[]", "one or more"]),
    ({"symbols": ["XXX"]}, ["symbols", "'XXX'", "AZN.L"]),
    ({"symbols": ["USD", "XXX"]}, ["symbols", "'XXX'", "GBP"]),
    ({"symbols": ["usd"]}, ["symbols", "'usd'", "accepted"]),
    ({"symbols": ["USD"], "datasets": ["ftse100_prices"]}, ["symbols", "'USD'", "AZN.L"]),
    ({"symbols": ["USD"], "datasets": ["fx_rates", "ftse100_prices"]}, ["symbols", "'USD'", "AZN.L"]),
    ({"symbols": ["X"] * 1001}, ["symbols", "1001", "200 at most"]),
    ({"start": "2023-02-30"}, ["start", "'2023-02-30'", "YYYY-MM-DD"]),
    ({"start": "2023-1-2"}, ["start", "'2023-1-2'", "YYYY-MM-DD"]),
    ({"start": "20230102"}, ["start", "'20230102'", "YYYY-MM-DD"]),
    ({"start": "2023-W01-1"}, ["start", "'2023-W01-1'", "YYYY-MM-DD"]),
    ({"start": "2023-01-02T00:00:00"}, ["start", "'2023-01-02T00:00:00'", "YYYY-MM-DD"]),
    ({"start": "2023-01-02\n"}, ["start", "YYYY-MM-DD"]),
    ({"start": "\u0662\u0660\u0662\u0663-\u0660\u0661-\u0660\u0662"}, ["start", "YYYY-MM-DD"]),
    ({"start": 20230102}, ["start", "20230102", "YYYY-MM-DD"]),
    ({"end": "yesterday"}, ["end", "'yesterday'", "YYYY-MM-DD"]),
    ({"end": ["2023-01-02"]}, ["end", "['2023-01-02']", "YYYY-MM-DD"]),
    ({"start": "2023-01-03", "end": "2023-01-02"}, ["start", "2023-01-03", "2023-01-02", "on or before"]),
    ({"start": "2026-11-21"}, ["start", "2026-11-21", "2026-11-20 or earlier"]),
    ({"end": "2999-01-01"}, ["end", "2999-01-01", "2026-11-20 or earlier"]),
    ({"start": "1999-12-31"}, ["start", "1999-12-31", "ftse100_prices", "2000-01-01 or later"]),
    ({"start": "1998-12-31", "datasets": ["fx_rates"]}, ["start", "fx_rates", "1999-01-01 or later"]),
    ({"end": "1999-12-31"}, ["end", "1999-12-31", "2000-01-01 or later"]),
    ({"force": "yes"}, ["force", "'yes'", "true or false"]),
    ({"force": 1}, ["force", "1", "true or false"]),
    ({"drop_missing": "yes"}, ["drop_missing", "'yes'", "true or false"]),
    ({"drop_missing": True}, ["drop_missing", "both start and end"]),
    ({"drop_missing": True, "start": "2022-01-03"}, ["drop_missing", "both start and end"]),
    ({"drill": True, "end": "2022-01-03"}, ["drill", "both start and end"]),
    ({"force": None}, ["force", "None", "true or false"]),
    ({"scheduled_time": "noon"}, ["scheduled_time", "'noon'", "ISO 8601"]),
    ({"scheduled_time": "2026-11-20"}, ["scheduled_time", "'2026-11-20'", "with its zone"]),
    ({"scheduled_time": "2026-11-20T18:00:00"}, ["scheduled_time", "2026-11-20T18:00:00", "with its zone"]),
    ({"scheduled_time": "2026-11-20T19:05:01Z"}, ["scheduled_time", "at most 5 minutes after the start"]),
    ({"trigger": "me", "scheduled_time": "2026-11-20T18:00:00Z"}, ["trigger", "'me'", "'schedule'"]),
    ({"trigger": "schedule"}, ["trigger", "without scheduled_time"]),
    ({"scheduled_time": 0}, ["scheduled_time", "0", "ISO 8601"]),
    ({"scheduled_time": "0001-01-01T00:00:00+01:00"}, ["scheduled_time", "0001-01-01", "ISO 8601"]),
    ({"scheduled_time": "0001-01-05T00:00:00Z"}, ["scheduled_time", "0001-01-05", "2000-01-01 or later"]),
]


@pytest.mark.parametrize(("document", "words"), REFUSED, ids=[f"{n}" for n in range(len(REFUSED))])
def test_bad_input_is_refused_with_field_value_and_what_is_accepted(document: object, words: list[str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(document)
    for part in [*words, "accepted"]:
        assert part in str(caught.value)


def test_a_schedule_whose_clock_is_a_little_ahead_starts_the_run() -> None:
    ahead = STARTED + timedelta(minutes=5)
    assert parse({"scheduled_time": ahead.isoformat()}).at == ahead


def test_the_last_day_is_that_of_the_schedule_and_of_the_simulated_sources() -> None:
    late = {"scheduled_time": "2026-01-05T18:30:00Z", "end": "2026-01-06"}
    with pytest.raises(InvalidRequest, match=r"end is 2026-01-06.*2026-01-05 or earlier"):
        parse(late)
    assert parse({"end": "2026-10-30"}, date(2026, 10, 30)).end == date(2026, 10, 30)
    with pytest.raises(InvalidRequest, match=r"2026-10-30 or earlier"):
        parse({"end": "2026-10-31"}, date(2026, 10, 30))


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=80)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=20), inner, max_size=4)),
    max_leaves=8,
)
TIMES = st.one_of(
    st.datetimes(timezones=st.timezones()).map(lambda t: t.isoformat()),
    st.datetimes(timezones=st.just(UTC)).map(lambda t: t.isoformat().replace("+00:00", "Z")),
)
DATES = st.one_of(st.dates().map(str), st.dates(date(1998, 1, 1), date(2027, 1, 1)).map(str))
NAMES = st.lists(
    st.one_of(st.sampled_from([*KNOWN, *KNOWN["fx_rates"], *KNOWN["ftse100_prices"]]), st.text()), max_size=5
)
NEAR = st.fixed_dictionaries(
    {},
    optional={
        "datasets": st.one_of(NAMES, st.lists(st.sampled_from(list(KNOWN)), min_size=1), JSON_VALUES),
        "start": st.one_of(DATES, JSON_VALUES),
        "end": st.one_of(DATES, JSON_VALUES),
        "symbols": st.one_of(NAMES, JSON_VALUES),
        "force": st.one_of(st.booleans(), JSON_VALUES),
        "scheduled_time": st.one_of(TIMES, JSON_VALUES),
        "trigger": st.one_of(st.just("schedule"), JSON_VALUES),
    },
)


def _is_sound(request: Request) -> None:
    """What everything after Plan relies on."""
    assert request.datasets
    assert set(request.datasets) <= set(KNOWN)
    assert list(request.datasets) == sorted(set(request.datasets))
    assert set(request.symbols) <= {symbol for dataset in request.datasets for symbol in KNOWN[dataset]}
    assert request.at.tzinfo is not None
    assert date(1999, 1, 1) <= request.at.date() <= STARTED.date()
    for day in (request.start, request.end):
        assert day is None or date(1999, 1, 1) <= day <= STARTED.date()
    assert not (request.start and request.end) or request.start <= request.end


@settings(max_examples=300)
@given(st.one_of(NEAR, NEAR, st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text()), JSON_VALUES), JSON_VALUES))
@example({"scheduled_time": "9999-12-31T23:59:59.999999-23:59"})
@example({"scheduled_time": "0001-01-01T00:00:00+23:59"})
@example({"start": "9999-12-31", "end": "0001-01-01"})
@example({"x" * 10_000: "y" * 10_000})
@example({"symbols": ["\ud800" * 500]})
def test_any_json_is_a_sound_request_or_refused_in_few_words(document: Any) -> None:
    document = json.loads(json.dumps(document))
    try:
        request = parse(document)
    except InvalidRequest as error:
        message = str(error)
        assert "accepted" in message
        assert len(message) <= MAX_MESSAGE_BYTES
        assert not message.endswith("…"), "what is accepted is named in full"
        named = [*KEYS, "input"] if isinstance(document, dict) else ["input"]
        assert any(key in message for key in named)
    else:
        _is_sound(request)


@settings(max_examples=300)
@given(start=st.dates(date(2000, 1, 1), STARTED.date()), length=st.integers(0, 9500), force=st.booleans())
def test_good_windows_are_never_refused(start: date, length: int, force: bool) -> None:
    end = min(start + timedelta(days=length), STARTED.date())
    request = parse({"start": f"{start}", "end": f"{end}", "force": force})
    assert (request.start, request.end, request.force) == (start, end, force)
