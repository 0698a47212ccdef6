"""A dashboard as a person has it: a file, opened in Chromium with no network."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from infra.client.target import Target
from infra.dashboard.document import document
from infra.dashboard.page import page
from infra.dashboard.questions import ask_all, choose_window, take_stock

SECTIONS = ("prices", "movers", "sectors", "rates", "volume", "quality")


def dashboard_of(target: Target, start: str = "", end: str = "") -> dict[str, Any]:
    """The document of ``target``, asked through its Athena; of the last year without ``start`` and ``end``."""
    stock = take_stock(target)
    window = choose_window(target, stock, *(date.fromisoformat(day) if day else None for day in (start, end)))
    return document(target, stock, window, ask_all(target, window, lambda _: None), datetime.now(UTC))


class DashboardPage:
    """One page. ``requests`` are the addresses it asked for, ``troubles`` what it complained of."""

    def __init__(self, browser: Browser, path: Path, width: int = 1280, **settings: Any) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900}, **settings)
        self.requests: list[str] = []
        self.troubles: list[str] = []
        self.page.context.set_offline(True)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", lambda told: self.troubles.append(f"{told.type}: {told.text}"))
        self.page.goto(path.as_uri())

    def nothing(self, section: str) -> str:
        """What a section says where there is nothing; empty where it shows something."""
        return " ".join(self.page.locator(f"#{section} .nothing").all_inner_texts())

    def drawn(self, place: int = 0) -> str:
        """A chart's picture, as text to compare."""
        script = "place => document.querySelectorAll('.plot canvas')[place].toDataURL()"
        return str(self.page.evaluate(script, place))

    def too_wide(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def written(folder: Path, made: dict[str, Any]) -> Path:
    """The file of a document."""
    path = folder / "dashboard.html"
    path.write_text(page(made), "utf-8")
    return path
