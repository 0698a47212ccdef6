"""The server's routes, without any networking: one request in, one response out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.faults.injector import Injector
from infra.faults.switch import Switch
from infra.sources.actions import ActedPrices, BadAction
from infra.sources.closes_file import FilePrices
from infra.sources.constituents import default_path, load_constituents
from infra.sources.currencies import load_currency_names
from infra.sources.ecb import EcbRates
from infra.sources.fault_effects import changed_chart, changed_rates, spoiled
from infra.sources.fault_rules import TRANSPORT, BadRule, FaultBook, FaultRule
from infra.sources.frankfurter_api import FrankfurterApi
from infra.sources.http_types import Request, Response, as_json
from infra.sources.prices import PriceBook
from infra.sources.simulated import SimulatedPrices
from infra.sources.yahoo_api import CHART, YahooApi

YAHOO_PREFIX = "/yahoo"
FRANKFURTER_PREFIX = "/frankfurter/v1"
DEFAULT_SEED = 1


class ReplayApp:
    """Both APIs, the state of the server, and what tests do to them: injected faults, splits and dividends."""

    def __init__(
        self,
        prices: PriceBook,
        rates: EcbRates,
        names: dict[str, str] | None = None,
        chaos: Injector | None = None,
    ) -> None:
        self.faults = FaultBook()
        self._chaos = chaos
        self._prices = ActedPrices(prices)
        self._rates = rates
        self._yahoo = YahooApi(self._prices)
        self._frankfurter = FrankfurterApi(rates, names or {})

    def handle(self, request: Request) -> Response:
        """The response to any request, faults included."""
        path = request.path
        if path in ("/", "/health"):
            return as_json(self.health())
        if path == "/faults":
            return self._administer(request)
        if path == "/actions":
            return self._act(request)
        rules = self.faults.pick(request.target, self._speaks_of(path)) + self._by_chance(request.target)
        response = self._route(path, request, rules)
        spoiling = next((rule for rule in rules if rule.kind in TRANSPORT), None)
        return spoiled(response, spoiling) if spoiling else response

    def _by_chance(self, target: str) -> list[FaultRule]:
        fault = self._chaos.pick("upstream", target) if self._chaos else None
        return [FaultRule(fault.kind, status=fault.status, seconds=fault.seconds)] if fault else []

    def health(self) -> dict[str, Any]:
        """What is replayed, and the days known of it. ``last_day`` is what a run without a date means."""
        prices, days = self._prices, self._rates.days
        return {
            "status": "ok",
            "yahoo": YAHOO_PREFIX,
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
        }

    def _speaks_of(self, path: str) -> Sequence[str]:
        """The symbols or currencies that a response to ``path`` is about."""
        if CHART in path:
            return [path.rpartition(CHART)[2].upper()]
        return self._rates.codes() if path.startswith(FRANKFURTER_PREFIX) else []

    def _route(self, path: str, request: Request, rules: Sequence[FaultRule]) -> Response:
        if path.startswith(FRANKFURTER_PREFIX):
            rest = path.removeprefix(FRANKFURTER_PREFIX)
            return self._frankfurter.answer(rest, request, lambda days: changed_rates(days, rules))
        if path == YAHOO_PREFIX or path.startswith(f"{YAHOO_PREFIX}/"):
            rest = path.removeprefix(YAHOO_PREFIX)
            return self._yahoo.answer(rest, request, lambda document: changed_chart(document, rules))
        return as_json({"message": f"no such path; try / or {YAHOO_PREFIX} or {FRANKFURTER_PREFIX}"}, 404)

    def _administer(self, request: Request) -> Response:
        try:
            if request.method == "POST":
                return as_json({"rules": self.faults.add(json.loads(request.body))})
        except (BadRule, ValueError) as error:
            return as_json({"message": str(error)}, 400)
        if request.method == "DELETE":
            self.faults.clear()
        return as_json({"injected": dict(self.faults.injected)})

    def _act(self, request: Request) -> Response:
        """POST adds splits and dividends, DELETE takes all of them back."""
        try:
            if request.method == "POST":
                return as_json({"actions": self._prices.add(json.loads(request.body))})
        except (BadAction, ValueError) as error:
            return as_json({"message": str(error)}, 400)
        if request.method == "DELETE":
            self._prices.clear()
        return as_json(self._prices.describe())


def build_app(
    prices_file: Path | None = None,
    seed: int = DEFAULT_SEED,
    constituents: Path | None = None,
    chaos_root: Path | None = None,
) -> ReplayApp:
    """The app for the command's options: simulated prices, or those of a file of closes.

    ``chaos_root`` is the folder whose switch turns faults on and off (:mod:`infra.faults`).

    Raises:
        ConstituentsError, PriceFileError, EcbFileError: a file that cannot be read; the message says which and why.
    """
    from marketlake.calendars import trading_days

    rates = EcbRates()
    members = load_constituents(constituents or default_path())
    prices: PriceBook = (
        FilePrices(prices_file, {ticker: member.company for ticker, member in members.items()})
        if prices_file
        else SimulatedPrices(members, seed, rates.days[-1], trading_days)
    )
    chaos = Injector(Switch(chaos_root)) if chaos_root else None
    return ReplayApp(prices, rates, load_currency_names(), chaos)
