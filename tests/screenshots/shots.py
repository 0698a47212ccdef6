"""What is pictured. To add a page: a function that brings it up, and a line in ``SHOTS``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Browser, Page

from tests.e2e.console_page import ConsolePage
from tests.e2e.dashboard_page import DashboardPage
from tests.screenshots.scene import Scene

Bring = Callable[[Browser, Scene], Page]

WIDTH, NARROW = 1280, 360


@dataclass(frozen=True)
class Shot:
    """One picture: its file's name without ``.png``, how its page is brought up, and its height in pixels."""

    name: str
    bring: Bring
    height: int = 900


def executions(browser: Browser, scene: Scene) -> Page:
    """The list."""
    return _console(browser, scene, "executions", "a.row")


def execution(browser: Browser, scene: Scene) -> Page:
    """The failed backfill, its failed batch chosen."""
    index = scene.failed_batch
    return _console(browser, scene, f"executions/{scene.failed}?batch={index}", ".chosen .cause")


def timeline(browser: Browser, scene: Scene) -> Page:
    """The same over time."""
    return _console(browser, scene, f"executions/{scene.failed}?tab=timeline", ".bar.bad")


def queue(browser: Browser, scene: Scene) -> Page:
    """What waits to be run again."""
    return _console(browser, scene, "queue", ".letter")


def days(browser: Browser, scene: Scene) -> Page:
    """The calendars, with a gap."""
    return _console(browser, scene, "days", "rect.day.bad")


def data(browser: Browser, scene: Scene) -> Page:
    """A ticker's chart, and the latest days."""
    return _console(browser, scene, "data/ftse100_prices?symbol=AZN.L", "path.series")


def preview(browser: Browser, scene: Scene) -> Page:
    """What Plan would do, before it is started."""
    shown = _console(browser, scene, "start?start=2024-07-01&end=2025-12-31", ".check")
    shown.get_by_role("button", name="Preview …").click()
    shown.locator("dialog[open]").wait_for()
    return shown


def narrow(browser: Browser, scene: Scene) -> Page:
    """The failed batch on a telephone."""
    return _console(browser, scene, f"executions/{scene.failed}?batch={scene.failed_batch}", ".chosen .cause", NARROW)


def dashboard(browser: Browser, scene: Scene) -> Page:
    """The dashboard's first screens."""
    return DashboardPage(browser, scene.dashboard, WIDTH).page


def dashboard_dark(browser: Browser, scene: Scene) -> Page:
    """The sectors, in the dark."""
    shown = DashboardPage(browser, scene.dashboard, WIDTH, color_scheme="dark").page
    shown.get_by_role("button", name="Month", exact=True).click()
    shown.locator("#movers").evaluate("element => element.scrollIntoView()")
    return shown


def dashboard_narrow(browser: Browser, scene: Scene) -> Page:
    """A ticker on a telephone."""
    shown = DashboardPage(browser, scene.dashboard, NARROW).page
    shown.locator("#prices").evaluate("element => element.scrollIntoView()")
    return shown


SHOTS = [
    Shot("console-executions", executions, 560),
    Shot("console-execution", execution, 1200),
    Shot("console-timeline", timeline, 1200),
    Shot("console-queue", queue, 560),
    Shot("console-days", days, 1000),
    Shot("console-data", data, 900),
    Shot("console-preview", preview, 640),
    Shot("console-narrow", narrow, 900),
    Shot("dashboard", dashboard, 1000),
    Shot("dashboard-dark", dashboard_dark, 1150),
    Shot("dashboard-narrow", dashboard_narrow, 900),
]


def _console(browser: Browser, scene: Scene, path: str, until: str, width: int = WIDTH) -> Page:
    console = ConsolePage(browser, scene.console, width)
    console.open(path)
    console.page.locator(until).first.wait_for()
    return console.page
