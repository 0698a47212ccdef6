from __future__ import annotations

from pathlib import Path

import pytest

from infra.faults.injector import Injector
from infra.faults.profile import load_profile
from infra.faults.switch import Switch
from infra.sources.app import ReplayApp
from infra.sources.ecb import EcbRates
from infra.sources.http_types import Request
from infra.sources.simulated import SimulatedPrices

RATES = Request("GET", "/frankfurter/v1/2022-03-01..2022-03-04", b"")


@pytest.fixture
def switch(tmp_path: Path) -> Switch:
    return Switch(tmp_path)


@pytest.fixture
def app(prices: SimulatedPrices, rates: EcbRates, switch: Switch) -> ReplayApp:
    return ReplayApp(prices, rates, {}, Injector(switch))


def test_chance_makes_faults_in_both_sources_and_the_same_again_by_its_seed(app: ReplayApp, switch: Switch) -> None:
    calm = app.handle(RATES)

    def run() -> list[tuple[int, str, bytes]]:
        answers = [app.handle(RATES) for _ in range(60)]
        return [(answer.status, answer.behaviour, answer.body) for answer in answers]

    switch.on(load_profile("storm"), 1)
    first = run()
    spoiled = [answer for answer in first if answer != (200, "answer", calm.body)]
    assert len({status for status, _, _ in spoiled}) > 1
    assert {"answer", "hang", "reset"} >= {behaviour for _, behaviour, _ in spoiled}
    assert switch.injected().total() >= len(spoiled) > 60 * 0.1
    switch.on(load_profile("storm"), 1)
    assert run() == first
    switch.off()
    assert app.handle(RATES) == calm


def test_the_servers_own_pages_are_spared(app: ReplayApp, switch: Switch) -> None:
    switch.on(load_profile("storm"), 1)
    assert {app.handle(Request("GET", path, b"")).status for path in ("/health", "/faults") for _ in range(30)} == {200}
    assert switch.injected().total() == 0
