from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from infra.sources.app import ReplayApp
from infra.sources.fault_rules import KINDS, FaultBook
from infra.sources.http_types import Request, Response
from infra.sources.timeline import stamp

DAY = date(2022, 3, 2)
WINDOW = f"period1={stamp(date(2022, 3, 1))}&period2={stamp(date(2022, 3, 5))}&interval=1d"


def inject(app: ReplayApp, *rules: dict[str, Any]) -> Response:
    return app.handle(Request("POST", "/faults", json.dumps(list(rules)).encode()))


def chart(app: ReplayApp, symbol: str = "BP.L") -> Response:
    return app.handle(Request("GET", f"/yahoo/v8/finance/chart/{symbol}?{WINDOW}"))


def result(app: ReplayApp, symbol: str = "BP.L") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(chart(app, symbol).body)["chart"]["result"][0]
    return found


def days_of(found: dict[str, Any]) -> list[date]:
    return [datetime.fromtimestamp(at, UTC).date() for at in found["timestamp"]]


def test_rules_count_down_and_are_counted_by_kind(app: ReplayApp) -> None:
    assert json.loads(inject(app, {"kind": "status", "status": 429, "match": "chart/BP", "times": 2}).body) == {
        "rules": 1
    }
    assert [chart(app).status for _ in range(3)] == [429, 429, 200]
    assert chart(app, "BT-A.L").status == 200
    assert json.loads(app.handle(Request("GET", "/faults")).body) == {"injected": {"status": 2}}
    inject(app, {"kind": "empty"})
    assert chart(app).body == b""
    assert json.loads(app.handle(Request("DELETE", "/faults")).body) == {"injected": {}}
    assert chart(app).status == 200


def test_a_rule_may_name_one_symbol(app: ReplayApp) -> None:
    inject(app, {"kind": "status", "status": 503, "symbol": "BT-A.L"})
    assert [chart(app, symbol).status for symbol in ("BP.L", "BT-A.L")] == [200, 503]
    assert app.handle(Request("GET", "/yahoo/v1/test/getcrumb")).status == 200


def test_chance_does_not_depend_on_the_order_of_requests() -> None:
    def picked(targets: list[str]) -> set[str]:
        book = FaultBook()
        book.add([{"kind": "empty", "probability": 0.5, "seed": 3}])
        return {target for target in targets if book.pick(target, [])}

    targets = [f"/{number}" for number in range(200)]
    assert picked(targets) == picked(targets[::-1])
    assert 60 < len(picked(targets)) < 140


@pytest.mark.parametrize(
    "rules",
    [
        {"kind": "empty"},
        [{"kind": "explode"}],
        [{"match": "x"}],
        [{"kind": "empty", "until": 3}],
        [{"kind": "empty", "match": "("}],
        [{"kind": "nan_bar", "dates": ["soon"]}],
        [{"kind": "status", "status": "many"}],
        ["empty"],
    ],
)
def test_rules_that_cannot_be_understood_are_refused_whole(app: ReplayApp, rules: Any) -> None:
    response = app.handle(Request("POST", "/faults", json.dumps(rules).encode()))
    assert response.status == 400
    assert json.loads(response.body)["message"]
    assert chart(app).status == 200


def test_transport_faults_spoil_the_response(app: ReplayApp) -> None:
    whole = chart(app)
    kinds = ("html", "truncated", "empty", "hang", "reset")
    spoiled = {}
    for kind in kinds:
        inject(app, {"kind": kind, "times": 1, "seconds": 2})
        spoiled[kind] = chart(app)
    assert spoiled["html"].body.startswith(b"<!doctype html>")
    assert whole.body.startswith(spoiled["truncated"].body)
    assert 0 < len(spoiled["truncated"].body) < len(whole.body)
    assert spoiled["empty"].body == b""
    assert (spoiled["hang"].behaviour, spoiled["hang"].seconds) == ("hang", 2)
    assert spoiled["reset"].behaviour == "reset"


def test_data_faults_change_what_a_chart_says(app: ReplayApp) -> None:
    honest = result(app)
    assert days_of(honest) == [date(2022, 3, day) for day in (1, 2, 3, 4)]

    def faulty(kind: str) -> dict[str, Any]:
        inject(app, {"kind": kind, "times": 1, "dates": [str(DAY)]})
        return result(app)

    closes = honest["indicators"]["quote"][0]["close"]
    assert faulty("nan_bar")["indicators"]["quote"][0]["close"] == [closes[0], None, *closes[2:]]
    assert faulty("scale100")["indicators"]["quote"][0]["close"][1] == pytest.approx(closes[1] * 100)
    assert faulty("no_currency")["meta"]["currency"] is None
    assert faulty("pence_for_pounds")["meta"]["currency"] == "GBP"
    assert days_of(faulty("duplicate_day")).count(DAY) == 2
    assert DAY not in days_of(faulty("stale"))
    shuffled = faulty("shuffle")
    assert days_of(shuffled) != days_of(honest)
    assert sorted(shuffled["timestamp"]) == honest["timestamp"]
    assert result(app) == honest


def test_data_faults_change_what_rates_say(app: ReplayApp) -> None:
    target = "/frankfurter/v1/2023-01-02..2023-01-04"
    honest = json.loads(app.handle(Request("GET", target)).body)["rates"]

    def faulty(kind: str) -> str:
        inject(app, {"kind": kind, "times": 1, "dates": ["2023-01-03"], "symbol": "USD"})
        return app.handle(Request("GET", target)).body.decode()

    assert '"USD":NaN' in faulty("nan_bar")
    assert json.loads(faulty("scale100"))["rates"]["2023-01-03"]["USD"] == pytest.approx(
        honest["2023-01-03"]["USD"] * 100
    )
    assert list(json.loads(faulty("stale"))["rates"]) == ["2023-01-02", "2023-01-04"]
    assert faulty("duplicate_day").count('"2023-01-03"') == 2


def test_every_kind_is_tried_here(app: ReplayApp) -> None:
    for kind in KINDS:
        inject(app, {"kind": kind, "times": 1})
        chart(app)
    assert set(json.loads(app.handle(Request("GET", "/faults")).body)["injected"]) == set(KINDS)
