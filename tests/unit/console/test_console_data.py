from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from io import BytesIO
from pathlib import Path

import msgspec
import polars as pl
import pytest
from starlette.testclient import TestClient

from infra.client.target import Target
from marketlake.contract import load_contract
from marketlake.layout import actions_key, marker_key, quarantine_key, year_key
from marketlake.markers import Marker
from marketlake.schemas import ACTION_COLUMNS, polars_types
from tests.unit.lake import PRICES, RATES
from transform.compact import year_parquet

HOSTILE = "<script>alert(1)</script>"
DAYS = [date(2023, 12, 28), date(2023, 12, 29), date(2024, 1, 2), date(2024, 1, 3)]


def put(target: Target, key: str, body: bytes, kind: str = "clean") -> None:
    target.s3.put_object(Bucket=target.names[f"{kind}_bucket"], Key=key, Body=body)


def rates(days: Sequence[date]) -> bytes:
    """The year's object with dollars and pounds of ``days``; the dollar of the very last day is in doubt."""
    columns = ("dt", "base_currency", "target_currency", "rate", "flags")
    rows: list[tuple[object, ...]] = [(f"{day}", "EUR", "GBP", 0.9, None) for day in days]
    rows += [(f"{day}", "EUR", "USD", 1.0 + DAYS.index(day), "spike" if day == DAYS[-1] else None) for day in days]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String) | {"rate": pl.Float64}, orient="row")
    return year_parquet(RATES, dict.fromkeys(days, "etag"), frame)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies of an account's objects are of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", f"{tmp_path}")


@pytest.fixture
def lake(account: Target) -> Target:
    """Rates of four days over a turn of the year."""
    for year in (2023, 2024):
        put(account, year_key("fx_rates", year), rates([day for day in DAYS if day.year == year]))
    marker = Marker("fx_rates", DAYS[-1], 2, "raw", "etag", 2, 7, HOSTILE)
    put(account, marker_key("fx_rates", DAYS[-1]), msgspec.json.encode(marker))
    return account


def test_an_empty_lake_and_an_unknown_dataset_say_so(account_page: TestClient) -> None:
    found = account_page.get("/api/data/fx_rates").json()
    assert (found["last"], found["days"]) == (None, [])
    answer = account_page.get(f"/api/data/{HOSTILE.replace('/', '')}")
    assert (answer.status_code, "choose one of" in answer.json()["advice"]) == (404, True)


@pytest.mark.usefixtures("lake")
def test_the_window_is_the_year_to_the_last_day_within_the_lake(account_page: TestClient) -> None:
    found = account_page.get("/api/data/fx_rates?symbol=USD").json()
    assert (found["start"], found["end"]) == ("2023-12-28", "2024-01-03")
    assert [(one["dt"], one["value"], one["flags"]) for one in found["series"]] == [
        ("2023-12-28", 1.0, ""),
        ("2023-12-29", 2.0, ""),
        ("2024-01-02", 3.0, ""),
        ("2024-01-03", 4.0, "spike"),
    ]
    assert {"GBP", "USD"} <= set(found["symbols"])
    assert found["gaps"] == ""
    assert found["latest"] == {
        "columns": ["base_currency", "target_currency", "rate", "flags"],
        "rows": [["EUR", "GBP", 0.9, None], ["EUR", "USD", 4.0, "spike"]],
        "total": 2,
    }


@pytest.mark.usefixtures("lake")
def test_days_come_newest_first_with_what_their_markers_say(account_page: TestClient) -> None:
    first, *rest = account_page.get("/api/data/fx_rates").json()["days"]
    assert first == {
        "dt": "2024-01-03",
        "rows": 2,
        "flagged": 1,
        "quarantined": 7,
        "corrected": 0,
        "execution": HOSTILE,
    }
    assert [(day["dt"], day["quarantined"], day["execution"]) for day in rest] == [
        (f"{day}", None, "") for day in DAYS[-2::-1]
    ]


@pytest.mark.usefixtures("lake")
def test_flags_have_reasons_and_a_window_leaves_out_what_is_outside(account_page: TestClient) -> None:
    found = account_page.get("/api/data/fx_rates?start=2023-12-29&end=2024-01-03").json()
    assert found["flags"] == {"total": 1, "rows": [{"dt": "2024-01-03", "symbol": "USD", "flags": ["spike"]}]}
    assert "stays" in found["reasons"]["spike"]
    found = account_page.get("/api/data/fx_rates?start=2023-12-29&end=2024-01-02").json()
    assert found["flags"]["total"] == 0
    assert [day["dt"] for day in found["days"]] == ["2024-01-02", "2023-12-29"]


def test_a_symbol_without_rows_and_a_missing_day_are_named_and_a_new_object_is_seen(
    lake: Target, account_page: TestClient
) -> None:
    assert "AUD" in account_page.get("/api/data/fx_rates?symbol=AUD").json()["gaps"]
    put(lake, year_key("fx_rates", 2024), rates([DAYS[-1]]))
    found = account_page.get("/api/data/fx_rates?symbol=USD").json()
    assert found["gaps"] == "all symbols 2024-01-02 to 2024-01-02 (1 day: day missing)"
    assert [day["dt"] for day in found["days"]] == ["2024-01-03", "2023-12-29", "2023-12-28"]


def test_corporate_actions_of_the_window_newest_first(account: Target, account_page: TestClient) -> None:
    days = load_contract("ftse100_prices").days(DAYS[0], DAYS[1])
    frame = pl.DataFrame(
        {"dt": [f"{day}" for day in days]}
        | {column.name: [None] * 2 for column in PRICES.columns}
        | {"ticker": ["AZN.L"] * 2, "close": [1.0, 2.0]}
    )
    put(account, year_key("ftse100_prices", 2023), year_parquet(PRICES, dict.fromkeys(days, "etag"), frame))
    seen = ("AZN.L", "dividend", None, HOSTILE, "2024-01-03", None)
    rows = [(f"{day}", *seen) for day in (*days, date(2022, 1, 4))]
    actions = pl.DataFrame(rows, schema=polars_types(ACTION_COLUMNS), orient="row")
    body = BytesIO()
    actions.write_parquet(body)
    put(account, actions_key("ftse100_prices"), body.getvalue())
    found = account_page.get("/api/data/ftse100_prices").json()["actions"]
    assert [one["ex_dt"] for one in found["rows"]] == ["2023-12-29", "2023-12-28"]
    assert (found["rows"][0]["currency"], found["rows"][0]["amount"]) == (HOSTILE, None)


def test_quarantine_has_reasons_as_they_are(lake: Target, account_page: TestClient) -> None:
    text = f"dt,base_currency,target_currency,rate,flags,reason\n2024-01-02,EUR,XXX,,,{HOSTILE}\n"
    put(lake, quarantine_key(RATES, "run-1", 0), text.encode(), "raw")
    found = account_page.get("/api/data/fx_rates/quarantine?start=2024-01-01&end=2024-01-31").json()
    (row,) = found["rows"]
    assert (row["dt"], row["symbol"], row["reason"], row["times"]) == ("2024-01-02", "XXX", HOSTILE, 1)
    assert account_page.get("/api/data/fx_rates/quarantine?start=2023-01-01&end=2023-01-31").json()["total"] == 0


BAD = [
    "start=2024-01-03&end=2024-01-02",
    "start=x",
    "start=2000-01-03",
    "end=2030-01-02",
    f"symbol={HOSTILE}",
]


@pytest.mark.usefixtures("lake")
def test_what_is_not_in_the_lake_is_answered_with_what_is(account_page: TestClient) -> None:
    for query in BAD:
        answer = account_page.get(f"/api/data/fx_rates?{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json"), query
        assert answer.json()["error"]


def test_quarantine_is_asked_for_by_days_only(account_page: TestClient) -> None:
    for query in ("", "start=2024-01-02", "start=2024-01-02&end=2024-01-02' OR '1'='1"):
        answer = account_page.get(f"/api/data/fx_rates/quarantine?{query}")
        assert (answer.status_code, bool(answer.json()["error"])) == (404, True), query
