from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from infra.faults.kinds import KINDS
from infra.faults.rules import load_profile
from infra.sources.app import SourcesApp
from infra.sources.http_messages import Request, Response
from infra.sources.prices import stamp
from tests.inject import Inject

DAY = date(2022, 3, 2)
WINDOW = f"period1={stamp(date(2022, 3, 1))}&period2={stamp(date(2022, 3, 5))}&interval=1d"
RATES = Request("GET", "/frankfurter/v1/2022-03-01..2022-03-04")


def chart(app: SourcesApp, symbol: str = "BP.L") -> Response:
    return app.handle(Request("GET", f"/yahoo/v8/finance/chart/{symbol}?{WINDOW}"))


def result(app: SourcesApp, symbol: str = "BP.L") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(chart(app, symbol).body)["chart"]["result"][0]
    return found


def days_of(found: dict[str, Any]) -> list[date]:
    return [datetime.fromtimestamp(at, UTC).date() for at in found["timestamp"]]


def test_rules_count_down_and_hit_what_they_match(app: SourcesApp, inject: Inject) -> None:
    inject(kind="status", status=429, match="chart/BP", times=2)
    assert [chart(app).status for _ in range(3)] == [429, 429, 200]
    assert chart(app, "BT-A.L").status == 200
    assert app.handle(Request("GET", "/yahoo/v1/test/getcrumb")).status == 200
    assert inject.switch.injected() == {("upstream", "status 429"): 2}
    inject(kind="empty")
    assert chart(app, "BT-A.L").body == b""
    inject.clear()
    assert chart(app).status == 200


def test_transport_faults_spoil_the_response(app: SourcesApp, inject: Inject) -> None:
    whole = chart(app)
    spoiled = {}
    for kind in ("html", "truncated", "empty", "hang", "reset"):
        inject(kind=kind, at=1, seconds=2)
        spoiled[kind] = chart(app)
        inject.clear()
    assert spoiled["html"].body.startswith(b"<!doctype html>")
    assert whole.body.startswith(spoiled["truncated"].body)
    assert 0 < len(spoiled["truncated"].body) < len(whole.body)
    assert spoiled["empty"].body == b""
    assert (spoiled["hang"].behaviour, spoiled["hang"].seconds) == ("hang", 2)
    assert spoiled["reset"].behaviour == "reset"


def test_data_faults_change_what_a_chart_says(app: SourcesApp, inject: Inject) -> None:
    honest = result(app)
    assert days_of(honest) == [date(2022, 3, day) for day in (1, 2, 3, 4)]

    def faulty(kind: str) -> dict[str, Any]:
        inject.clear()
        inject(kind=kind, dates=[str(DAY)])
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
    inject.clear()
    assert result(app) == honest


def test_data_faults_change_what_rates_say(app: SourcesApp, inject: Inject) -> None:
    target = "/frankfurter/v1/2023-01-02..2023-01-04"
    honest = json.loads(app.handle(Request("GET", target)).body)["rates"]

    def faulty(kind: str) -> str:
        inject.clear()
        inject(kind=kind, dates=["2023-01-03"], symbol="USD")
        return app.handle(Request("GET", target)).body.decode()

    assert '"USD":NaN' in faulty("nan_bar")
    assert json.loads(faulty("scale100"))["rates"]["2023-01-03"]["USD"] == pytest.approx(
        honest["2023-01-03"]["USD"] * 100
    )
    assert list(json.loads(faulty("stale"))["rates"]) == ["2023-01-02", "2023-01-04"]
    assert faulty("duplicate_day").count('"2023-01-03"') == 2


@pytest.mark.parametrize("kind", KINDS["upstream"])
def test_every_kind_changes_both_sources_or_leaves_one_as_it_is(app: SourcesApp, inject: Inject, kind: str) -> None:
    calm = chart(app), app.handle(RATES)
    inject(kind=kind)
    faulty = chart(app), app.handle(RATES)
    assert inject.switch.injected().total() == 2
    unchanged = [source for source, was, now in zip(("yahoo", "rates"), calm, faulty, strict=True) if was == now]
    assert unchanged == (["rates"] if kind in ("no_currency", "pence_for_pounds") else [])


def test_chance_makes_faults_in_both_sources_and_the_same_again_by_its_seed(app: SourcesApp, inject: Inject) -> None:
    calm = app.handle(RATES)

    def run() -> list[tuple[int, str, bytes]]:
        answers = [app.handle(RATES) for _ in range(60)]
        return [(answer.status, answer.behaviour, answer.body) for answer in answers]

    inject.switch.on(load_profile("storm"), 1)
    first = run()
    spoiled = [answer for answer in first if answer != (200, "answer", calm.body)]
    assert len({status for status, _, _ in spoiled}) > 1
    assert {"answer", "hang", "reset"} >= {behaviour for _, behaviour, _ in spoiled}
    assert inject.switch.injected().total() >= len(spoiled) > 60 * 0.1
    inject.switch.on(load_profile("storm"), 1)
    assert run() == first
    inject.clear()
    assert app.handle(RATES) == calm


def test_the_servers_own_pages_are_spared(app: SourcesApp, inject: Inject) -> None:
    inject.switch.on(load_profile("storm"), 1)
    paths = ("/health", "/actions")
    assert {app.handle(Request("GET", path, b"")).status for path in paths for _ in range(30)} == {200}
    assert inject.switch.injected().total() == 0
