from __future__ import annotations

from datetime import date

import pytest

from infra.sources.app import ReplayApp
from infra.sources.constituents import Constituent
from infra.sources.ecb import EcbRates
from infra.sources.simulated import SimulatedPrices
from marketlake.calendars import trading_days

MEMBERS = {
    "BP.L": Constituent("BP.L", "BP", date(2000, 1, 1)),
    "BT-A.L": Constituent("BT-A.L", "BT Group", date(2000, 1, 1)),
    "AAF.L": Constituent("AAF.L", "Airtel Africa", date(2019, 6, 28)),
}


@pytest.fixture(scope="session")
def rates() -> EcbRates:
    return EcbRates()


@pytest.fixture(scope="session")
def prices(rates: EcbRates) -> SimulatedPrices:
    return SimulatedPrices(MEMBERS, 1, rates.days[-1], trading_days)


@pytest.fixture
def app(prices: SimulatedPrices, rates: EcbRates) -> ReplayApp:
    return ReplayApp(prices, rates, {"USD": "US dollar", "EUR": "Euro"})
