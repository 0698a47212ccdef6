from __future__ import annotations

import json
from collections import Counter
from datetime import date
from typing import Any

import numpy as np
import pytest

from infra.sources.app import SourcesApp
from infra.sources.http_messages import Request, Response
from infra.sources.prices import Series, Split

DAY = date(2022, 3, 2)


def act(app: SourcesApp, *actions: Any) -> Response:
    return app.handle(Request("POST", "/actions", json.dumps(list(actions)).encode()))


def bars(app: SourcesApp, symbol: str = "BP.L") -> Series:
    found = app.prices.series(symbol)
    assert found is not None
    return found


def test_a_split_restates_all_prices_and_is_an_event_of_its_day(app: SourcesApp) -> None:
    was = bars(app)
    assert json.loads(act(app, {"symbol": "BP.L", "day": f"{DAY}", "split": [4, 1]}).body) == {"actions": 1}
    now, at = bars(app), was.timeline.since(DAY)
    assert now.splits == {**was.splits, at: Split(4, 1)}
    for name in ("open", "high", "low", "close", "adj_close"):
        assert getattr(now, name) == pytest.approx(getattr(was, name) / 4, rel=1e-6)
    assert now.volume == pytest.approx(was.volume * 4)
    assert now.dividends == pytest.approx({day: amount / 4 for day, amount in was.dividends.items()}, rel=1e-4)


def test_a_dividend_restates_adjusted_closes_before_it_only(app: SourcesApp) -> None:
    was = bars(app)
    act(app, {"symbol": "BP.L", "day": f"{DAY}", "dividend": 7.5})
    now, at = bars(app), was.timeline.since(DAY)
    assert now.dividends == {**was.dividends, at: 7.5}
    assert np.array_equal(now.close, was.close)
    assert np.array_equal(now.adj_close[at:], was.adj_close[at:])
    assert now.adj_close[:at] == pytest.approx(was.adj_close[:at] * (1 - 7.5 / was.close[at - 1]), rel=1e-6)


def test_an_action_falls_on_the_next_bar_and_others_are_as_they_were(app: SourcesApp) -> None:
    other = bars(app, "BT-A.L")
    act(app, {"symbol": "BP.L", "day": "2022-03-05", "split": [1, 5]})  # a Saturday
    series = bars(app)
    assert [series.timeline.days[at] for at, split in series.splits.items() if split == Split(1, 5)] == [
        date(2022, 3, 7)
    ]
    assert bars(app, "BT-A.L") is other


def test_actions_are_counted_in_the_chart_and_taken_back(app: SourcesApp) -> None:
    was = bars(app)
    act(app, {"symbol": "BP.L", "day": f"{DAY}", "split": [2, 1]})
    act(app, {"symbol": "BP.L", "day": "2022-03-09", "dividend": 1})
    assert app.health()["prices"]["actions"] == 2
    chart = app.handle(Request("GET", "/yahoo/v8/finance/chart/BP.L?range=max&interval=1d"))
    events = json.loads(chart.body)["chart"]["result"][0]["events"]
    assert [split["splitRatio"] for split in events["splits"].values()].count("2:1") >= 1
    app.handle(Request("DELETE", "/actions"))
    assert bars(app) is was
    assert "actions" not in app.health()["prices"]


def test_a_dividend_beside_one_in_another_currency_is_refused(app: SourcesApp) -> None:
    was = bars(app)
    day = was.timeline.days[max(was.dividends)]
    refused = act(app, {"symbol": "BP.L", "day": f"{day}", "dividend": 1})
    assert refused.status == 400
    assert f"pays a dividend in USD on {day} already" in json.loads(refused.body)["message"]
    assert bars(app) is was


def test_an_added_dividend_is_in_the_currency_of_the_prices(app: SourcesApp) -> None:
    act(app, {"symbol": "BP.L", "day": f"{DAY}", "dividend": 7.5})
    chart = app.handle(Request("GET", "/yahoo/v8/finance/chart/BP.L?range=max&interval=1d"))
    events = json.loads(chart.body)["chart"]["result"][0]["events"]["dividends"].values()
    assert [event["currency"] for event in events if event["amount"] == 7.5] == ["GBp"]
    assert Counter(event["currency"] for event in events)["USD"] > 100


def test_an_action_after_the_last_day_or_before_the_first_changes_nothing(app: SourcesApp) -> None:
    was = bars(app)
    act(app, {"symbol": "BP.L", "day": "2100-01-01", "split": [2, 1]})
    act(app, {"symbol": "BP.L", "day": "1990-01-01", "split": [2, 1]})
    assert bars(app) is was


@pytest.mark.parametrize(
    "actions",
    [
        {"symbol": "BP.L", "day": "2022-03-02", "split": [2, 1]},
        ["split"],
        [{"symbol": "BP.L", "day": "2022-03-02"}],
        [{"symbol": "BP.L", "day": "soon", "split": [2, 1]}],
        [{"symbol": "BP.L", "day": "2022-03-02", "split": [2]}],
        [{"symbol": "BP.L", "day": "2022-03-02", "split": [0, 1]}],
        [{"symbol": "BP.L", "day": "2022-03-02", "dividend": -1}],
        [{"symbol": "BP.L", "day": "2022-03-02", "dividend": 1e9}],
        [{"symbol": "NOPE.L", "day": "2022-03-02", "dividend": 1}],
        [{"symbol": "BP.L", "day": "2022-03-02", "dividend": 1, "until": 3}],
        [{"symbol": "BP.L", "day": "2022-03-02", "dividend": 1}, {"symbol": "BP.L"}],
    ],
)
def test_actions_that_cannot_be_understood_are_refused_whole(app: SourcesApp, actions: Any) -> None:
    was = bars(app)
    response = app.handle(Request("POST", "/actions", json.dumps(actions).encode()))
    assert response.status == 400
    assert json.loads(response.body)["message"]
    assert bars(app) is was
