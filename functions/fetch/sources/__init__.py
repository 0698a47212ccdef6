"""Upstream sources: each turns a request for some days into raw objects, one a day. Importing this is cheap."""

from __future__ import annotations

from dataclasses import dataclass

from fetch.sources.base import Source
from marketlake.contract import Contract
from marketlake.errors import ContractViolation


@dataclass(frozen=True)
class Addresses:
    """Base URL of each service, and the proxy (an http or https URL) through which they are asked; empty for that of
    the environment, if it has one. ``pace``: charts a second that Yahoo is asked for at most, 0 for any number."""

    yahoo: str
    ecb: str
    frankfurter: str
    proxy: str = ""
    pace: float = 0.0


def source_of(contract: Contract, addresses: Addresses, base: str) -> Source:
    """The source that ``contract`` names; ``base`` is the base currency of rates.

    Each class is imported only where it is used.

    Raises:
        ContractViolation: there is no such source.
    """
    if contract.source == "yahoo":
        from fetch.sources.yahoo import YahooSource

        return YahooSource(addresses.yahoo, proxy=addresses.proxy or None, pace=addresses.pace)
    if contract.source == "ecb":
        from fetch.sources.ecb import BASE, EcbSource
        from fetch.sources.frankfurter import FrankfurterSource
        from fetch.sources.rates import ReferenceRates

        frankfurter = FrankfurterSource(addresses.frankfurter, base, proxy=addresses.proxy)
        # The ECB has rates for one euro only: for another base Frankfurter computes them.
        if base != BASE:
            return frankfurter
        return ReferenceRates(EcbSource(addresses.ecb, proxy=addresses.proxy), frankfurter, base)
    raise ContractViolation(f"{contract.name}: no source is called {contract.source!r}; add it to fetch/sources")
