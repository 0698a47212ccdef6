from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.faults.kinds import CHARTS, DATA, KINDS
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


def year(app: SourcesApp, symbol: str = "BARC.L") -> dict[str, Any]:
    """A year of a company with two dividends in pence, two days of which are named by the rules below."""
    window = f"period1={stamp(date(2022, 1, 1))}&period2={stamp(date(2023, 1, 1))}&interval=1d"
    answer = app.handle(Request("GET", f"/yahoo/v8/finance/chart/{symbol}?{window}"))
    found: dict[str, Any] = json.loads(answer.body)["chart"]["result"][0]
    return found


@pytest.fixture
def faulty(app: SourcesApp, inject: Inject) -> Callable[..., dict[str, Any]]:
    """The year with one fault."""

    def ask(kind: str, **rule: Any) -> dict[str, Any]:
        inject.clear()
        inject(kind=kind, **rule)
        return year(app)

    return ask


Faulty = Callable[..., dict[str, Any]]


def values(found: dict[str, Any], name: str) -> list[Any]:
    columns = {**found["indicators"]["quote"][0], **found["indicators"]["adjclose"][0]}
    return list(columns[name])


def ratios(found: dict[str, Any], honest: dict[str, Any], name: str = "close") -> dict[date, float]:
    """Day -> how many times too large, where it is at all."""
    pairs = zip(days_of(honest), values(found, name), values(honest, name), strict=True)
    return {day: round(value / right, 3) for day, value, right in pairs if value != right}


def test_a_run_of_days_is_in_another_unit(app: SourcesApp, faulty: Faulty) -> None:
    honest = year(app)
    run = {day for day in days_of(honest) if date(2022, 3, 1) <= day <= date(2022, 4, 29)}
    for kind, factor in (("scale100", 100), ("scale001", 0.01)):
        found = faulty(kind, since="2022-03-01", until="2022-04-30")
        assert ratios(found, honest) == dict.fromkeys(run, factor)
        assert ratios(found, honest, "adjclose") == dict.fromkeys(run, factor)
        assert values(found, "volume") == values(honest, "volume")
    assert len(ratios(faulty("scale001", since="2022-03-01"), honest)) == len(honest["timestamp"]) - 40
    assert len(ratios(faulty("scale001", until="2100-01-01"), honest)) == len(honest["timestamp"])
    euros = faulty("in_euro")
    assert euros["meta"]["currency"] == "EUR"
    assert values(euros, "close") == pytest.approx([value * 0.0115 for value in values(honest, "close")], rel=1e-4)


def test_the_candle_of_the_evening_contradicts_the_close_and_nothing_else(app: SourcesApp, faulty: Faulty) -> None:
    honest, found = year(app), faulty("evening_candle")
    assert values(found, "close") == values(honest, "close")
    run = faulty("evening_candle", since="2022-01-01")
    sides = [
        (high < close, low > close)
        for low, close, high in zip(values(run, "low"), values(run, "close"), values(run, "high"), strict=True)
    ]
    assert set(sides) == {(True, False), (False, True)}
    assert sides[-1] == (
        values(found, "high")[-1] < values(found, "close")[-1],
        values(found, "low")[-1] > values(found, "close")[-1],
    )
    assert values(found, "low")[-1] <= values(found, "open")[-1] <= values(found, "high")[-1]
    assert [values(found, name)[:-1] for name in ("open", "high", "low")] == [
        values(honest, name)[:-1] for name in ("open", "high", "low")
    ]


def test_single_values_are_odd(app: SourcesApp, faulty: Faulty) -> None:
    honest = year(app)
    assert ratios(faulty("spike", dates=["2022-05-05"]), honest) == {date(2022, 5, 5): 1.5}
    assert ratios(faulty("spike", factor=0.7), honest) == {days_of(honest)[-1]: 0.7}
    late = faulty("null_close")
    assert (values(late, "close")[-1], values(late, "adjclose")[-1]) == (None, None)
    assert values(late, "open") == values(honest, "open")
    assert values(faulty("fractional_volume"), "volume")[-1] % 1 == 0.5
    assert values(faulty("infinity"), "close")[-1] == "Infinity"
    assert list(faulty("split_zero")["events"]["splits"].values()) == [
        {"date": honest["timestamp"][-1], "numerator": 0.0, "denominator": 1.0, "splitRatio": "0:1"}
    ]


def test_a_day_has_a_second_bar(app: SourcesApp, faulty: Faulty) -> None:
    honest = year(app)
    past = faulty("second_bar")
    assert days_of(past)[-3:] == [date(2022, 12, 29), date(2022, 12, 29), date(2022, 12, 30)]
    assert past["timestamp"][-2] - past["timestamp"][-3] == 8.5 * 3600
    assert values(past, "close")[-2] != values(honest, "close")[-2] == values(past, "close")[-3]
    two = faulty("second_bar", dates=["2022-03-01", "2022-03-02"])
    assert [days_of(two).count(date(2022, 3, day)) for day in (1, 2, 3)] == [2, 2, 1]
    for kind, apart in (("live_bar", 0), ("live_bar_off", 420)):
        live = faulty(kind)
        assert days_of(live)[-2:] == [date(2022, 12, 30)] * 2
        assert live["timestamp"][-1] == live["meta"]["regularMarketTime"] - apart
        # A half-day: trading ended at 12:30.
        assert live["timestamp"][-1] - live["timestamp"][-2] == 4.5 * 3600 - apart
        assert values(live, "volume")[-1] > values(live, "volume")[-2]
    assert faulty("live_bar", dates=["2022-03-01"]) == honest


def test_dividends_are_in_another_unit_than_the_event_names(app: SourcesApp, faulty: Faulty) -> None:
    honest = year(app)
    right = honest["events"]["dividends"]
    assert [event["currency"] for event in right.values()] == ["GBp", "GBp"]
    for kind, factor in (("dividend_pounds", 0.01), ("dividend_scale100", 100), ("dividend_dollars", 0.013)):
        found = faulty(kind)
        for at, event in found["events"]["dividends"].items():
            assert event == {**right[at], "amount": pytest.approx(right[at]["amount"] * factor)}
        assert found["indicators"] == honest["indicators"]
    assert all("currency" not in event for event in faulty("dividend_unnamed")["events"]["dividends"].values())
    first = min(right, key=int)
    day = str(date.fromtimestamp(int(first)))
    amounts = {
        at: event["amount"] for at, event in faulty("dividend_scale100", dates=[day])["events"]["dividends"].items()
    }
    assert amounts == {at: event["amount"] * (100 if at == first else 1) for at, event in right.items()}


def test_adjusted_closes_are_noisy_or_know_a_hundredth_of_the_dividend(app: SourcesApp, faulty: Faulty) -> None:
    honest = year(app)
    noisy, again = faulty("adj_noise"), year(app)
    assert values(noisy, "adjclose") == pytest.approx(values(honest, "adjclose"), rel=2.1e-6)
    assert len({str(values(found, "adjclose")) for found in (honest, noisy, again)}) == 3
    assert values(noisy, "close") == values(honest, "close")
    wrong = faulty("adj_hundredth")
    last = max(int(at) for at in honest["events"]["dividends"])
    at = honest["timestamp"].index(last)
    close, adjusted = values(wrong, "close"), values(wrong, "adjclose")
    assert adjusted[at:] == values(honest, "adjclose")[at:]
    implied = (1 - adjusted[at - 1] / adjusted[at] * close[at] / close[at - 1]) * close[at - 1]
    assert implied == pytest.approx(honest["events"]["dividends"][str(last)]["amount"] / 100, rel=0.02)


def test_a_symbol_is_dead_or_answers_for_another(app: SourcesApp, inject: Inject, faulty: Faulty) -> None:
    assert faulty("renamed")["meta"]["symbol"] == "RENAMED.L"
    assert faulty("renamed", symbol="SDLF.L")["meta"]["symbol"] == "SDLF.L"
    inject.clear()
    inject(kind="dead", match="chart/BP")
    assert chart(app).status == 404
    assert json.loads(chart(app).body)["chart"]["error"]["code"] == "Not Found"
    assert chart(app, "BARC.L").status == 200


def test_a_throttled_answer_says_when_to_come_again(app: SourcesApp, inject: Inject) -> None:
    inject(kind="status", status=429, retry_after=120, times=1)
    assert (chart(app).status, chart(app).status) == (429, 200)
    inject(kind="status", status=429, retry_after=120)
    assert chart(app).headers == {"Retry-After": "120"}


def test_many_symbols_lack_one_day(app: SourcesApp, inject: Inject) -> None:
    inject(kind="stale", dates=[str(DAY)], share=0.5)
    lacking = [
        DAY not in days_of(result(app, symbol))
        for symbol in ("AAF.L", "BARC.L", "BP.L", "BT-A.L", "^FTSE")
        for _ in range(20)
    ]
    assert 30 <= sum(lacking) <= 70


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
    target = f"/yahoo/v8/finance/chart/BARC.L?period1={stamp(date(2022, 1, 1))}&period2={stamp(date(2023, 1, 1))}"
    asked = Request("GET", target), RATES
    calm = [app.handle(request) for request in asked]
    inject(kind=kind)
    faulty = [app.handle(request) for request in asked]
    assert inject.switch.injected().total() == 2
    unchanged = [source for source, was, now in zip(("yahoo", "rates"), calm, faulty, strict=True) if was == now]
    assert unchanged == (["rates"] if kind in CHARTS else [])


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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(
    kind=st.sampled_from(CHARTS + DATA),
    symbol=st.sampled_from(["BARC.L", "BP.L", "AAF.L", "^FTSE"]),
    start=st.dates(date(2019, 7, 1), date(2026, 10, 1)),
    length=st.integers(0, 400),
    days=st.sampled_from([{}, {"dates": ["2022-03-02"]}, {"since": "2022-01-01"}, {"until": "2022-06-30"}]),
)
def test_any_answer_can_have_any_fault_and_stays_a_chart(
    app: SourcesApp, inject: Inject, kind: str, symbol: str, start: date, length: int, days: dict[str, Any]
) -> None:
    inject.clear()
    inject(kind=kind, **days)
    window = f"period1={stamp(start)}&period2={stamp(start + timedelta(days=length))}&interval=1d"
    answer = app.handle(Request("GET", f"/yahoo/v8/finance/chart/{symbol}?{window}"))
    assert answer.status == {"dead": 404, "consent": 302}.get(kind, 200)
    if answer.status == 200:
        found = json.loads(answer.body)["chart"]["result"][0]
        columns = [*found["indicators"]["quote"][0].values(), *found["indicators"]["adjclose"][0].values()]
        assert {len(column) for column in columns} <= {len(found.get("timestamp", []))}
