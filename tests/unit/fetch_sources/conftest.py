from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import httpx
import pytest

from infra.sources.app import ReplayApp
from infra.sources.constituents import Constituent
from infra.sources.ecb import EcbRates
from infra.sources.server import ReplayServer
from infra.sources.simulated import SimulatedPrices
from marketlake.calendars import trading_days

SYMBOLS = ["AZN.L", "BARC.L", "BP.L", "BT-A.L", "HSBA.L", "LLOY.L", "SHEL.L", "ULVR.L", "VOD.L"]
Inject = Callable[..., None]


@pytest.fixture(scope="session")
def _server() -> Iterator[ReplayServer]:
    rates = EcbRates()
    members = {symbol: Constituent(symbol, symbol, date(2000, 1, 1)) for symbol in SYMBOLS}
    members["RR.L"] = Constituent("RR.L", "Rolls-Royce", date(2000, 1, 1))
    members["AAF.L"] = Constituent("AAF.L", "Airtel Africa", date(2019, 6, 28))
    prices = SimulatedPrices(members, 1, rates.days[-1], trading_days)
    with ReplayServer(ReplayApp(prices, rates)) as server:
        yield server


@pytest.fixture
def server(_server: ReplayServer) -> Iterator[ReplayServer]:
    """The replay server, in this process, without faults and with an empty log."""
    _server.app.faults.clear()
    _server.requests.clear()
    yield _server
    _server.app.faults.clear()


@pytest.fixture
def symbols() -> list[str]:
    return list(SYMBOLS)


@pytest.fixture
def inject(server: ReplayServer) -> Inject:
    def post(**rule: Any) -> None:
        with httpx.Client(trust_env=False) as client:
            client.post(f"{server.url}/faults", json=[rule]).raise_for_status()
        server.requests.clear()

    return post
