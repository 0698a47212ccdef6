from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from infra.faults.injector import Injector, Switch
from infra.sources.app import SourcesApp
from infra.sources.contract_lists import Constituent
from infra.sources.frankfurter import EcbRates
from infra.sources.server import SourcesServer
from infra.sources.simulated import SimulatedPrices
from marketlake.calendars import trading_days
from tests.inject import Inject

SYMBOLS = ["AZN.L", "BARC.L", "BP.L", "BT-A.L", "HSBA.L", "LLOY.L", "SHEL.L", "ULVR.L", "VOD.L"]


@pytest.fixture(scope="session")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Switch:
    return Switch(tmp_path_factory.mktemp("switch"))


@pytest.fixture(scope="session")
def _server(switch: Switch) -> Iterator[SourcesServer]:
    rates = EcbRates()
    members = {symbol: Constituent(symbol, symbol, date(2000, 1, 1)) for symbol in SYMBOLS}
    members["RR.L"] = Constituent("RR.L", "Rolls-Royce", date(2000, 1, 1))
    members["AAF.L"] = Constituent("AAF.L", "Airtel Africa", date(2019, 6, 28))
    prices = SimulatedPrices(members, 1, rates.days[-1], trading_days)
    with SourcesServer(SourcesApp(prices, rates, injector=Injector(switch))) as server:
        yield server


@pytest.fixture
def server(_server: SourcesServer, switch: Switch) -> Iterator[SourcesServer]:
    """The server of the simulated sources, in this process, without faults and with an empty log."""
    _server.requests.clear()
    yield _server
    switch.off()


@pytest.fixture
def symbols() -> list[str]:
    return list(SYMBOLS)


@pytest.fixture
def inject(switch: Switch) -> Inject:
    return Inject(switch)
