"""The symbols of a dataset and the days on which each is expected.

A symbols file is a CSV with a header: the symbol in the first column, ``valid_from`` and ``valid_to`` (empty: still
valid) among the others. A symbol may have several rows, one for each time it was in. A column ``currency`` (ISO 4217,
empty: any that the contract knows) says in what it is quoted. A list of the user's own takes the place of ours as
``config/<file>`` in the artifacts bucket, put there by the deployment.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from marketlake.aliases import shipped_aliases
from marketlake.contract import CONTRACTS, Contract
from marketlake.csv_rows import read_rows, require
from marketlake.errors import ContractViolation
from marketlake.layout import config_key
from marketlake.storage import Bucket, ObjectMissing


@dataclass(frozen=True)
class Listing:
    """One stretch of days, both ends included, on which ``symbol`` is expected."""

    symbol: str
    valid_from: date
    valid_to: date

    def covers(self, start: date, end: date) -> bool:
        """Whether any day from ``start`` to ``end`` is in the stretch."""
        return self.valid_from <= end and start <= self.valid_to


@dataclass(frozen=True)
class Symbols:
    """All listings of a dataset, in the order of their file."""

    listings: tuple[Listing, ...]

    @property
    def names(self) -> list[str]:
        """Distinct symbols, sorted."""
        return sorted({listing.symbol for listing in self.listings})

    def expected(self, start: date, end: date | None = None) -> list[str]:
        """Distinct symbols expected on any day from ``start`` to ``end`` (``start`` alone by default), sorted."""
        return sorted({x.symbol for x in self.listings if x.covers(start, end or start)})

    def without(self, symbol: str) -> Symbols:
        """The same without ``symbol``: a base currency has no rate in itself."""
        return Symbols(tuple(x for x in self.listings if x.symbol != symbol))

    def only(self, symbols: Collection[str]) -> Symbols:
        """The same with only those of ``symbols``."""
        return Symbols(tuple(x for x in self.listings if x.symbol in symbols))


def shipped_file(name: str) -> bytes:
    """The symbols file ``name`` as this project ships it."""
    return (CONTRACTS / name).read_bytes()


def currencies_of(contract: Contract) -> frozenset[str] | None:
    """The currencies in which a symbol of ``contract`` may be quoted; None where its rows have no unit."""
    units = contract.units
    return frozenset(unit.currency for unit in units.quoted.values()) if units else None


def parse_symbols(content: bytes, name: str, currencies: Collection[str] | None = None) -> Symbols:
    """The listings in a symbols file; ``name`` is for messages, ``currencies`` those that the contract knows.

    Raises:
        ContractViolation: no header, no rows, a row without a symbol, an invalid date, a stretch that ends before it
            starts, a currency that is not known, or the old name of a renamed ticker; the message names the line.
    """
    header, rows = read_rows(content, name)
    require(header[1:], ("valid_from", "valid_to"), f"{name}", "contracts/constituents.csv")
    listings = [_parse_listing(row, header[0], place) for place, row in rows]
    for place, row in rows:
        currency = row.get("currency", "")
        if currency and currencies is not None and currency not in currencies:
            raise ContractViolation(
                f"{place}: currency {currency!r} is not known; accepted are {', '.join(sorted(currencies))}, "
                "or another one once the contract's units have it"
            )
    if not listings:
        raise ContractViolation(f"{name} lists no symbols; give at least one")
    return Symbols(tuple(listings))


def _parse_listing(row: dict[str, str], column: str, place: str) -> Listing:
    symbol = row[column]
    if not symbol:
        raise ContractViolation(f"{place}: no {column}; fill it in or drop the line")
    try:
        start = date.fromisoformat(row["valid_from"])
        end = date.fromisoformat(row["valid_to"]) if row["valid_to"] else date.max
    except ValueError as error:
        raise ContractViolation(
            f"{place}: valid_from and valid_to are ISO dates (valid_to may be empty): {error}"
        ) from error
    if end < start:
        raise ContractViolation(f"{place}: valid_to {end} is before valid_from {start}; correct one of them")
    alias = shipped_aliases().get(symbol)
    if alias and end >= alias.since:
        raise ContractViolation(
            f"{place}: {symbol} is {alias.new} since {alias.since} (contracts/aliases.csv); "
            f"accepted is {alias.new} for all its days, or {symbol} with a valid_to before then"
        )
    return Listing(alias.new if alias else symbol, start, end)


def symbols_of(contract: Contract, content: bytes | None = None, base: str | None = None) -> Symbols:
    """The symbols of ``contract``: from ``content`` of its file in force, or else as shipped, without ``base``.

    Raises:
        ContractViolation: the file is not one (``parse_symbols``).
    """
    if contract.symbols.file is None:
        return Symbols(tuple(Listing(s, contract.first_date, date.max) for s in contract.symbols.list))
    file = contract.symbols.file
    content = shipped_file(file) if content is None else content
    symbols = parse_symbols(content, file, currencies_of(contract))
    return symbols if base is None else symbols.without(base)


def symbols_in_force(contract: Contract, artifacts: Bucket, base: str) -> Symbols:
    """The symbols of ``contract`` as deployed: its file in the artifacts bucket, or its own list, without ``base``.

    Raises:
        ContractViolation: the deployment lacks the file, or it is not one (``parse_symbols``).
    """
    if contract.symbols.file is None:
        return symbols_of(contract)
    key = config_key(contract.symbols.file)
    try:
        content = artifacts.get(key).body
    except ObjectMissing as error:
        raise ContractViolation(f"s3://{artifacts.name}/{key} is missing; deploy again to put it there") from error
    return symbols_of(contract, content, base)
