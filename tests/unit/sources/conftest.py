from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from infra.faults.injector import Injector, Switch
from infra.sources.app import SourcesApp
from infra.sources.contract_lists import Constituent
from infra.sources.frankfurter import EcbRates
from infra.sources.simulated import SimulatedPrices
from marketlake.calendars import trading_days
from tests.inject import Inject

MEMBERS = {
    "BARC.L": Constituent("BARC.L", "Barclays", date(2000, 1, 1)),
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
def inject(tmp_path: Path) -> Inject:
    return Inject(Switch(tmp_path))


@pytest.fixture
def app(prices: SimulatedPrices, rates: EcbRates, inject: Inject) -> SourcesApp:
    return SourcesApp(prices, rates, {"USD": "US dollar", "EUR": "Euro"}, Injector(inject.switch))
