"""The server's routes, without any networking: one request in, one response out."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from infra.faults.injector import Injector, Switch
from infra.faults.kinds import TRANSPORT
from infra.faults.rules import Rule
from infra.sources.actions import ActedPrices, Action, BadAction
from infra.sources.closes_file import FilePrices
from infra.sources.contract_lists import load_constituents, load_currency_names
from infra.sources.ecb import EcbApi
from infra.sources.frankfurter import EcbRates, FrankfurterApi
from infra.sources.http_messages import Request, Response, as_json, spoiled
from infra.sources.prices import PriceBook
from infra.sources.simulated import SimulatedPrices
from infra.sources.yahoo import YahooApi
from marketlake.calendars import trading_days

YAHOO_PREFIX = "/yahoo"
ECB_PREFIX = "/ecb/service"
FRANKFURTER_PREFIX = "/frankfurter/v1"
DEFAULT_SEED = 1


class SourcesApp:
    """The three APIs; ``injector`` decides about their faults, and tests add splits and dividends."""

    def __init__(
        self,
        prices: PriceBook,
        rates: EcbRates,
        names: dict[str, str] | None = None,
        injector: Injector | None = None,
    ) -> None:
        self.prices = ActedPrices(prices)
        self._injector = injector
        self._rates = rates
        self._yahoo = YahooApi(self.prices)
        self._ecb = EcbApi(rates)
        self._frankfurter = FrankfurterApi(rates, names or {})
        self._lock, self._requests = threading.Lock(), Counter[str]()

    def handle(self, request: Request) -> Response:
        """The response to any request, faults included."""
        if request.path in ("/", "/health"):
            return as_json(self.health())
        if request.path == "/actions":
            return self._act(request)
        with self._lock:
            self._requests[request.path.split("/")[1]] += 1
        fault = self._injector.pick("upstream", request.target) if self._injector else None
        response = self._route(request.path, request.query, fault)
        return spoiled(response, fault) if fault and fault.kind in TRANSPORT else response

    def health(self) -> dict[str, Any]:
        """What is simulated, and the days known of it. ``last_day`` is what a run without a date means.

        ``requests`` counts those of each source since the start.
        """
        prices, days = self.prices, self._rates.days
        return {
            "status": "ok",
            "yahoo": YAHOO_PREFIX,
            "ecb": ECB_PREFIX,
            "frankfurter": FRANKFURTER_PREFIX,
            "prices": {
                "source": prices.kind,
                "simulated": prices.kind == "simulated",
                **prices.describe(),
                "first_day": str(prices.first_day),
                "last_day": str(prices.last_day),
            },
            "rates": {"source": "ecb", "simulated": False, "first_day": str(days[0]), "last_day": str(days[-1])},
            "last_day": str(min(prices.last_day, days[-1])),
            "requests": dict(self._requests),
        }

    def _route(self, path: str, query: dict[str, str], fault: Rule | None) -> Response:
        if path.startswith(ECB_PREFIX):
            return self._ecb.answer(path.removeprefix(ECB_PREFIX), query, fault)
        if path.startswith(FRANKFURTER_PREFIX):
            return self._frankfurter.answer(path.removeprefix(FRANKFURTER_PREFIX), query, fault)
        if path == YAHOO_PREFIX or path.startswith(f"{YAHOO_PREFIX}/"):
            return self._yahoo.answer(path.removeprefix(YAHOO_PREFIX), query, fault)
        known = " or ".join(("/", YAHOO_PREFIX, ECB_PREFIX, FRANKFURTER_PREFIX))
        return as_json({"message": f"no such path; try {known}"}, 404)

    def _act(self, request: Request) -> Response:
        """POST adds splits and dividends, DELETE takes all of them back."""
        try:
            if request.method == "POST":
                return as_json({"actions": self.prices.add(msgspec.json.decode(request.body, type=list[Action]))})
        except (BadAction, msgspec.DecodeError) as error:
            return as_json({"message": f"{error}; POST a JSON list of actions"}, 400)
        if request.method == "DELETE":
            self.prices.clear()
        return as_json(self.prices.describe())


def build_app(
    prices_file: Path | None = None,
    seed: int = DEFAULT_SEED,
    constituents: Path | None = None,
    chaos_root: Path | None = None,
) -> SourcesApp:
    """The app for the command's options: simulated prices, or those of a file of closes.

    ``chaos_root`` is the folder whose switch turns faults on and off (:mod:`infra.faults`).

    Raises:
        ConstituentsError, PriceFileError, EcbFileError: a file that cannot be read; the message says which and why.
    """
    rates = EcbRates()
    members = load_constituents(constituents)
    prices: PriceBook = (
        FilePrices(prices_file, {ticker: member.company for ticker, member in members.items()})
        if prices_file
        else SimulatedPrices(members, seed, rates.days[-1], trading_days, rates)
    )
    injector = Injector(Switch(chaos_root)) if chaos_root else None
    return SourcesApp(prices, rates, load_currency_names(), injector)
