"""The symbols of a dataset and the days on which each is expected.

A symbols file is a CSV with a header: the symbol in the first column, ``valid_from`` and ``valid_to`` (empty: still
valid) among the others. A symbol may have several rows, one for each time it was in. A list of the user's own takes
the place of ours as ``config/<file>`` in the artifacts bucket, put there by the deployment.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from marketlake.contract import CONTRACTS, Contract
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


def parse_symbols(content: bytes, name: str) -> Symbols:
    """The listings in a symbols file; ``name`` is for messages.

    Raises:
        ContractViolation: no header, no rows, a row without a symbol, an invalid date, or a stretch that ends
            before it starts; the message names file and line.
    """
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        header = list(reader.fieldnames or [])
        rows = [(row, reader.line_num) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ContractViolation(f"{name} is not a CSV file in UTF-8: {error}; give one with a header") from error
    if not {"valid_from", "valid_to"} <= set(header[1:]):
        raise ContractViolation(f"{name}: header {header} lacks valid_from or valid_to; see contracts/constituents.csv")
    listings = [_parse_listing(row, header[0], f"{name} line {line}") for row, line in rows]
    if not listings:
        raise ContractViolation(f"{name} lists no symbols; give at least one")
    return Symbols(tuple(listings))


def _parse_listing(row: dict[str, str], column: str, place: str) -> Listing:
    symbol = (row[column] or "").strip()
    if not symbol:
        raise ContractViolation(f"{place}: no {column}; fill it in or drop the line")
    try:
        start = date.fromisoformat(row["valid_from"].strip())
        end = date.fromisoformat(row["valid_to"].strip()) if (row["valid_to"] or "").strip() else date.max
    except (ValueError, AttributeError) as error:
        raise ContractViolation(
            f"{place}: valid_from and valid_to are ISO dates (valid_to may be empty): {error}"
        ) from error
    if end < start:
        raise ContractViolation(f"{place}: valid_to {end} is before valid_from {start}; correct one of them")
    return Listing(symbol, start, end)


def symbols_of(contract: Contract, content: bytes | None = None, base: str | None = None) -> Symbols:
    """The symbols of ``contract``: from ``content`` of its file in force, or else as shipped, without ``base``.

    Raises:
        ContractViolation: the file is not one (``parse_symbols``).
    """
    if contract.symbols.file is None:
        return Symbols(tuple(Listing(s, contract.first_date, date.max) for s in contract.symbols.list))
    file = contract.symbols.file
    symbols = parse_symbols(shipped_file(file) if content is None else content, file)
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
