from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from infra.client.target import Target
from marketlake.layout import actions_key, marker_key, year_key
from marketlake.markers import Marker

HOSTILE = "<script>alert(1)</script>"
DAYS = [date(2023, 12, 28), date(2023, 12, 29), date(2024, 1, 2), date(2024, 1, 3)]


def put(target: Target, key: str, rows: list[dict[str, Any]]) -> None:
    body = BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), body)
    target.s3.put_object(Bucket=target.names["clean_bucket"], Key=key, Body=body.getvalue())


def rate(day: date, symbol: str, value: float, flags: str | None = None) -> dict[str, Any]:
    return {"dt": f"{day}", "base_currency": "EUR", "target_currency": symbol, "rate": value, "flags": flags}


@pytest.fixture
def lake(account: Target) -> Target:
    """Rates of four days over a turn of the year; the last day's dollar is in doubt."""
    for year in (2023, 2024):
        days = [day for day in DAYS if day.year == year]
        rows = [rate(day, "USD", 1.0 + DAYS.index(day), "spike" if day == DAYS[-1] else None) for day in days]
        put(account, year_key("fx_rates", year), [*rows, *(rate(day, "GBP", 0.9) for day in days)])
    marker = Marker("fx_rates", DAYS[-1], 2, "raw", "etag", 2, 7, HOSTILE)
    body = msgspec.json.encode(marker)
    account.s3.put_object(Bucket=account.names["clean_bucket"], Key=marker_key("fx_rates", DAYS[-1]), Body=body)
    return account


def test_an_empty_lake_and_an_unknown_dataset_say_so(account_page: TestClient) -> None:
    found = account_page.get("/api/data/fx_rates").json()
    assert (found["last"], found["days"]) == (None, [])
    answer = account_page.get(f"/api/data/{HOSTILE.replace('/', '')}")
    assert (answer.status_code, "choose one of" in answer.json()["advice"]) == (404, True)


@pytest.mark.usefixtures("lake")
def test_the_window_is_the_year_to_the_last_day_and_crosses_years(account_page: TestClient) -> None:
    found = account_page.get("/api/data/fx_rates?symbol=USD").json()
    assert (found["start"], found["end"]) == (f"{DAYS[-1] - timedelta(days=365)}", "2024-01-03")
    assert [(one["dt"], one["value"]) for one in found["series"]] == [
        (f"{day}", 1.0 + place) for place, day in enumerate(DAYS)
    ]
    assert found["symbols"] == ["GBP", "USD"]
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


def test_corporate_actions_of_the_window_newest_first(lake: Target, account_page: TestClient) -> None:
    action = {"ticker": HOSTILE, "kind": "dividend", "amount": None, "currency": None, "first_seen": "2024-01-03"}
    put(lake, actions_key("fx_rates"), [{"ex_dt": f"{day}", **action} for day in (*DAYS, date(2022, 1, 3))])
    found = account_page.get("/api/data/fx_rates").json()["actions"]
    assert [one["ex_dt"] for one in found["rows"]] == [f"{day}" for day in DAYS[::-1]]
    assert found["rows"][0]["ticker"] == HOSTILE


def test_a_year_is_read_again_only_when_it_was_written_again(
    lake: Target, account_page: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []
    original = pq.read_table

    def note(source: BytesIO) -> Any:
        read.append(source)
        return original(source)

    monkeypatch.setattr(pq, "read_table", note)
    for _ in range(3):
        account_page.get("/api/data/fx_rates")
    assert len(read) == 2
    put(lake, year_key("fx_rates", 2024), [rate(date(2024, 1, 4), "USD", 9.0)])
    assert account_page.get("/api/data/fx_rates").json()["last"] == "2024-01-04"
    assert len(read) == 3


def test_an_object_from_before_flags_and_a_window_without_rows_are_shown(
    lake: Target, account_page: TestClient
) -> None:
    old = rate(date(2023, 12, 29), "USD", 2.0)
    del old["flags"]
    put(lake, year_key("fx_rates", 2023), [old])
    found = account_page.get("/api/data/fx_rates?symbol=USD&start=2023-12-29&end=2024-01-03").json()
    assert [(one["value"], one["flags"]) for one in found["series"]] == [(2.0, ""), (3.0, ""), (4.0, "spike")]
    assert account_page.get("/api/data/fx_rates?end=2023-12-31").json()["flags"]["total"] == 0
    found = account_page.get("/api/data/fx_rates?start=2010-01-01&end=2010-12-31").json()
    assert (found["symbols"], found["series"], found["days"], found["latest"]["rows"]) == ([], [], [], [])


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("query", ["start=2024-01-03&end=2024-01-02", "start=x", "start=2000-01-03&end=2024-01-02"])
def test_a_window_that_is_not_one_is_refused(account_page: TestClient, query: str) -> None:
    answer = account_page.get(f"/api/data/fx_rates?{query}")
    assert (answer.status_code, bool(answer.json()["advice"])) == (404, True)


@pytest.mark.parametrize("query", ["", "start=2024-01-02", "start=2024-01-02&end=2024-01-02' OR '1'='1"])
def test_quarantine_asks_athena_only_for_days(account_page: TestClient, query: str) -> None:
    answer = account_page.get(f"/api/data/fx_rates/quarantine?{query}")
    assert (answer.status_code, "is not accepted" in answer.json()["error"]) == (404, True)
