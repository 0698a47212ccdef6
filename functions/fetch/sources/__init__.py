"""Upstream sources: each turns a request for some days into raw objects, one a day. Importing this is cheap."""

from __future__ import annotations

from fetch.sources.base import Source
from marketlake.contract import Contract
from marketlake.errors import ContractViolation


def source_of(contract: Contract, yahoo_base_url: str, frankfurter_base_url: str, base: str) -> Source:
    """The source that ``contract`` names, at the given address; ``base`` is the base currency of rates.

    Each class is imported only where it is used.

    Raises:
        ContractViolation: there is no such source.
    """
    if contract.source == "yahoo":
        from fetch.sources.yahoo import YahooSource

        return YahooSource(yahoo_base_url)
    if contract.source == "frankfurter":
        from fetch.sources.frankfurter import FrankfurterSource

        return FrankfurterSource(frankfurter_base_url, base)
    raise ContractViolation(f"{contract.name}: no source is called {contract.source!r}; add it to fetch/sources")
