"""The dashboard's file in a real Chromium with no network: filled by the pipeline, and over lakes that lack things."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from infra.local.config import ACCOUNT_ID
from tests.e2e.dashboard_page import SECTIONS, DashboardPage, dashboard_of, written
from tests.e2e.pipeline import Pipeline
from tests.e2e.saved_frames import DATASETS, read_days
from tests.e2e.saved_lakes import left, small_lake, some, target_of
from tests.unit.dashboard.made import close, made

FIRST, LAST = "2019-03-01", "2019-04-30"
HOSTILE = "<img src=x onerror='window.hacked=1'></script><script>window.hacked=1</script>"

Opened = Callable[..., DashboardPage]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    """Opens a document's page; in the end, none has complained, and none has asked for anything but its file."""
    pages: list[DashboardPage] = []

    def open_page(document: dict[str, Any], width: int = 1280, **settings: Any) -> DashboardPage:
        pages.append(DashboardPage(browser, written(tmp_path, document), width, **settings))
        return pages[-1]

    yield open_page
    for one in pages:
        assert one.page.evaluate("window.hacked") is None
        one.page.close()
        assert one.troubles == []
        assert [url for url in one.requests if not url.startswith(("file:", "data:"))] == []


@pytest.fixture(scope="module")
def days(shared_pipeline: Pipeline) -> Any:
    """Two months of each dataset as the pipeline loads them, by dataset and day."""
    shared_pipeline.inject()
    assert shared_pipeline.run({"start": FIRST, "end": LAST}).status == "SUCCEEDED"
    folder = shared_pipeline.config.root / "s3" / ACCOUNT_ID / shared_pipeline.name("clean_bucket")
    return {dataset: read_days(folder, dataset, FIRST, LAST) for dataset in DATASETS}


@pytest.fixture(scope="module")
def loaded(shared_pipeline: Pipeline, days: Any) -> dict[str, Any]:
    assert days["ftse100_prices"]
    return dashboard_of(target_of(shared_pipeline.config), FIRST, LAST)


def test_every_section_shows_what_the_lake_has(loaded: dict[str, Any], opened: Opened) -> None:
    shown = opened(loaded)
    assert {section: shown.nothing(section) for section in SECTIONS[:4]} == dict.fromkeys(SECTIONS[:4], "")
    expect(shown.page.locator("h1")).to_have_text("1 Mar 2019 to 30 Apr 2019")
    expect(shown.page.locator("#movers li")).to_have_count(20)
    expect(shown.page.locator("#sectors .tile")).to_have_count(len(loaded["tickers"]))
    expect(shown.page.locator("#rates tbody tr")).to_have_count(len(loaded["rates"]["currencies"]))
    expect(shown.page.locator("#asked li")).to_have_count(len(loaded["asked"]))
    assert [asked for asked in loaded["asked"] if asked["error"]] == []


def test_the_picker_the_tiles_and_the_arrow_keys_change_what_is_shown(loaded: dict[str, Any], opened: Opened) -> None:
    shown = opened(loaded)
    page, before = shown.page, shown.drawn()
    page.locator("#ticker").select_option("AZN.L")
    plot = page.locator("#prices .plot").first
    expect(plot).to_have_attribute("aria-label", re.compile("Close of AstraZeneca in GBP with averages"))
    assert shown.drawn() != before
    azn = next(ticker for ticker in loaded["tickers"] if ticker["ticker"] == "AZN.L")
    values = page.locator("#prices .values").first
    expect(values).to_contain_text(f"£{azn['series']['close'][-1]:,.2f}")
    plot.focus()
    page.keyboard.press("Home")
    expect(values).to_contain_text("1 Mar 2019")
    expect(values).to_contain_text(f"£{azn['series']['close'][0]:,.2f}")
    page.get_by_role("button", name="1 month").click()
    page.keyboard.press("Tab")
    assert len(loaded["days"]) > 22
    plot.focus()
    page.keyboard.press("Home")
    expect(values).not_to_contain_text("1 Mar 2019")
    page.locator("#sectors .tile", has_text="BARC").click()
    expect(page.locator("#ticker")).to_have_value("BARC.L")
    currency = shown.drawn(2)
    page.locator("#currency").select_option(label="USD")
    assert shown.drawn(2) != currency


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_does_not_scroll_sideways(loaded: dict[str, Any], opened: Opened, scheme: str) -> None:
    shown = opened(loaded, 360, color_scheme=scheme, reduced_motion="reduce")
    assert shown.too_wide() == 0
    assert shown.page.locator(".plot canvas").count() == 3


def test_a_lake_with_no_data_says_so_in_every_section(shared_pipeline: Pipeline, opened: Opened) -> None:
    lake = small_lake(shared_pipeline.config, "board-nothing", {})
    shown = opened(dashboard_of(lake.target, FIRST, LAST), 360)
    assert all(shown.nothing(section) for section in SECTIONS[:5])
    assert shown.page.locator(".kpi.bad").count() == len(DATASETS)
    expect(shown.page.locator("#missing_days h3")).not_to_contain_text(": 0")
    assert shown.too_wide() == 0


def test_one_day_has_prices_and_no_moves(shared_pipeline: Pipeline, days: Any, opened: Opened) -> None:
    one = {name: some(days[name], LAST.__eq__) for name in DATASETS}
    lake = small_lake(shared_pipeline.config, "board-one", one)
    shown = opened(dashboard_of(lake.target, LAST, LAST))
    assert [bool(shown.nothing(section)) for section in SECTIONS[:4]] == [False, True, True, False]
    assert shown.page.locator(".plot canvas").count() == 3


def test_a_gap_and_a_ticker_that_left_are_shown(shared_pipeline: Pipeline, days: Any, opened: Opened) -> None:
    gap = some(days["ftse100_prices"], lambda day: not "2019-03-11" <= day <= "2019-03-15")
    prices = left(gap, "BP.L", "2019-04-10")
    lake = small_lake(shared_pipeline.config, "board-gap", {**days, "ftse100_prices": prices})
    document = dashboard_of(lake.target, FIRST, LAST)
    assert document["tickers"][0]["series"]["close"][document["days"].index("2019-03-13")] is None
    shown = opened(document)
    expect(shown.page.locator("#missing_days h3")).to_have_text("Days missing: 5")
    expect(shown.page.locator("#symbol_gaps tbody")).to_contain_text("never came back")
    expect(shown.page.locator("#prices .left")).to_be_hidden()
    shown.page.locator("#ticker").select_option("BP.L")
    expect(shown.page.locator("#prices .left")).to_contain_text("BP.L has no price after 10 Apr 2019")


def test_text_from_upstream_and_from_errors_is_shown_as_text(opened: Opened) -> None:
    row = close(HOSTILE, "2026-01-05", 1.0)
    shown = opened(
        made(
            errors={"all_rates": HOSTILE, "volume_spikes": HOSTILE},
            closes_and_averages=[row, row | {"dt": "2026-01-06"}],
            companies=[{"ticker": HOSTILE, "company": HOSTILE, "sector": HOSTILE}],
            movers_of_day=[{"ticker": HOSTILE, "close": 1.0, "change": 0.1}],
            quarantined_rows=[{"dataset": "x", "dt": "2026-01-05", "symbol": HOSTILE, "reason": HOSTILE, "times": 1}],
        )
    )
    for place in (
        "#movers li",
        "#sectors h3",
        "#rates .failed",
        "#volume .failed",
        "#quarantined_rows tbody",
        "#asked",
    ):
        expect(shown.page.locator(place).first).to_contain_text(HOSTILE)
    expect(shown.page.locator("#simulated")).to_have_text(
        "Not market data: prices are simulated (seed 7), rates are the ECB's own."
    )
    tagged = [name for name in SECTIONS if shown.page.locator(f"#{name} h2 .tag").count()]
    assert tagged == ["prices", "movers", "sectors", "volume"]
    assert shown.page.locator("img").count() == 0
