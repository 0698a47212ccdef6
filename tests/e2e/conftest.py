"""One emulator for all end-to-end tests of a group; each test uses days of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from infra.client.target import local_target
from tests.e2e.browser import FLAGS, chromium
from tests.e2e.console_page import ConsolePage, Opened, served
from tests.e2e.pipeline import Pipeline, new_pipeline

FAILURES = (
    *("bench", "chaos", "dead_letters", "failures", "granted_and_used", "overlap", "parts_of_a_pass", "policies"),
    *("restore", "s3_answers", "self_healing"),
)
"""The files of about one half of the time."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two groups, each on one worker: starting the emulator and its functions costs more than most tests."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if item.get_closest_marker("xdist_group") is None:
                half = item.path.stem.removeprefix("test_") in FAILURES
                item.add_marker(pytest.mark.xdist_group("e2e-failures" if half else "e2e"))


@pytest.fixture(scope="session")
def shared_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    root = tmp_path_factory.mktemp("embedded")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SFN_WAIT_SCALE", "0.05")  # retries wait a twentieth of what the definition says
        pipeline = new_pipeline(root)
    yield pipeline
    pipeline.down()


@pytest.fixture
def pipeline(shared_pipeline: Pipeline) -> Iterator[Pipeline]:
    """The shared pipeline with no faults injected and empty queues."""
    shared_pipeline.inject()
    shared_pipeline.texts("dlq")
    shared_pipeline.texts("mailbox")
    yield shared_pipeline
    shared_pipeline.inject()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        missing = "no chromium on the PATH: apt-get install chromium"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(shared_pipeline: Pipeline) -> Iterator[str]:
    """Of the shared pipeline's console."""
    with served(local_target(shared_pipeline.config.root)) as found:
        yield found


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Opened]:
    """Opens a page of the console; in the end, none has complained, and none has asked another host."""
    pages: list[ConsolePage] = []

    def open_page(at: str = address, width: int = 1280) -> ConsolePage:
        pages.append(ConsolePage(browser, at, width))
        return pages[-1]

    yield open_page
    for one in pages:
        one.page.close()
        assert one.requests
        assert (one.troubles, one.other_hosts()) == ([], [])
