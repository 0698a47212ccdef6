"""The console as a person has it: a page in Chromium, and what can be found and done there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page, expect

from infra.client.target import Target
from infra.console.server import bind, server_on

SECONDS = 60_000
"""Milliseconds in which something must show; on a busy machine all that runs beside the page is slow."""

FOCUSED = """(() => {
  const focused = document.activeElement;
  if (focused.matches("body, main")) return "";
  const labels = [...(focused.labels ?? [])].map((label) => label.innerText);
  return [focused.innerText, focused.getAttribute("aria-label"), ...labels].filter(Boolean).join(" ");
})()"""

expect.set_options(timeout=SECONDS)


@contextmanager
def served(target: Target, *, read_only: bool = False) -> Iterator[str]:
    """The console of ``target``, served by a thread of this process; gives its address."""
    with bind(0) as listener:
        server, address = server_on(listener, target, read_only=read_only)
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
        thread.start()
        yield address
        server.should_exit = True
        thread.join(timeout=10)


class ConsolePage:
    """One page. ``requests`` are the addresses it asked for, ``troubles`` what it complained of."""

    def __init__(self, browser: Browser, address: str, width: int = 1280) -> None:
        self.address = address
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900})
        self.page.set_default_timeout(SECONDS)
        self.requests: list[str] = []
        self.troubles: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", lambda line: self.troubles.append(line.text) if line.type == "error" else None)

    def open(self, path: str) -> None:
        """Show a view, such as ``queue`` or ``executions/NAME``."""
        self.page.goto(f"{self.address}#/{path}")
        expect(self.page.locator("main h1")).to_be_visible()

    def row(self, name: str) -> Locator:
        """An execution in the list."""
        return self.page.locator("a.row").filter(has_text=name)

    def status(self) -> Locator:
        """How the execution stands, in its head."""
        return self.page.locator(".execution-head .pill")

    def batch(self, index: int) -> Locator:
        """A batch's chip."""
        return self.page.locator(f'[data-batch="{index}"]')

    def state(self, name: str) -> Locator:
        """A state in the graph."""
        return self.page.locator(f'[data-state="{name}"]')

    def cause(self) -> Locator:
        """Why the chosen batch failed."""
        return self.page.locator(".chosen .cause")

    def letters(self) -> Locator:
        """The messages of the queue."""
        return self.page.locator(".letter")

    def dialog(self) -> Locator:
        """The question that is asked."""
        return self.page.locator("dialog[open]")

    def other_hosts(self) -> list[str]:
        """Requests that left for somewhere else."""
        return [url for url in self.requests if urlsplit(url).netloc != urlsplit(self.address).netloc]

    def too_wide(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def focused(self) -> str:
        """What the focused element is, by its text, its name and its labels."""
        return str(self.page.evaluate(FOCUSED))

    def tab_to(self, words: str, most: int = 80, *, back: bool = False) -> None:
        """Press Tab, or with ``back`` Shift and Tab, until what is focused says ``words``."""
        for _ in range(most):
            if words in self.focused():
                return
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"{words!r} was not reached by Tab; the focus is on {self.focused()!r}")


Opened = Callable[..., ConsolePage]
