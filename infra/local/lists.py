"""The lists that lie in the artifacts bucket from the start: those in force, and the analysts' lookup tables.

Terraform makes the same objects (``storage.tf`` and ``catalog.tf`` in ``infra/terraform``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from infra.local.config import LocalConfig
from infra.package.tables import lookup_key, lookups
from marketlake.contract import CONTRACTS, dataset_names, load_contract
from marketlake.layout import config_key
from marketlake.membership import FILE as MEMBERSHIP
from marketlake.membership import parse_membership
from marketlake.reader.shipped import LOOKUPS
from marketlake.symbols import currencies_of, parse_symbols

CONSTITUENTS = "constituents.csv"
CLOSING_DAYS = LOOKUPS.with_name("closing_days.csv")


def list_objects(config: LocalConfig) -> Iterator[tuple[str, bytes]]:
    """Key and body of each object.

    Raises:
        ContractViolation: the user's list of constituents is invalid, or names a currency that the contract does not.
        PriceFileError: the user's file of closes is invalid.
    """
    constituents = _constituents(config)
    membership = (CONTRACTS / MEMBERSHIP).read_bytes()
    parse_membership(membership, MEMBERSHIP)
    contracts = {contract.symbols.file: contract for contract in map(load_contract, dataset_names())}
    for file in sorted(file for file in contracts if file):
        own = file == CONSTITUENTS
        body = constituents if own else (CONTRACTS / file).read_bytes()
        parse_symbols(body, str(config.constituents or file) if own else file, currencies_of(contracts[file]))
        yield config_key(file), body
    tables = {"constituents": constituents, "closing_days": CLOSING_DAYS.read_bytes(), "membership": membership}
    for table, content in tables.items():
        yield lookup_key(table), lookup_csv(table, content)


def longest_list(config: LocalConfig) -> int:
    """Lines of the longest list in force."""
    files = {contract.symbols.file for contract in map(load_contract, dataset_names())}
    keys = {config_key(file) for file in files if file}
    return max(len(body.splitlines()) - 1 for key, body in list_objects(config) if key in keys)


def _constituents(config: LocalConfig) -> bytes:
    """The user's list, or that of the user's prices, or ours."""
    if config.constituents is None and config.prices is not None:
        return constituents_of_closes(config.prices)
    return (config.constituents or CONTRACTS / CONSTITUENTS).read_bytes()


def lookup_csv(table: str, content: bytes) -> bytes:
    """``content``, a CSV with a header, as the table's object: its columns only, in its order, every value in quotes.

    A column that ``content`` lacks is empty, so that a list of the user's own needs no more than the pipeline does.
    """
    columns = [column["name"] for column in lookups()[table]["columns"]]
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    lines.writerow(columns)
    for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")):
        # The reader of Athena's CSV tables ends a row at every line's end, quoted or not.
        lines.writerow([" ".join((row.get(name) or "").split()) for name in columns])
    return text.getvalue().encode()


def constituents_of_closes(path: Path) -> bytes:
    """A constituents file (ticker, valid_from, valid_to) with the days for which the file of closes has each ticker.

    An index is not a constituent.

    Raises:
        PriceFileError: the file is not one of closes.
    """
    from infra.sources.closes_file import is_index, read_closes

    days, closes = read_closes(path)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["ticker", "valid_from", "valid_to"])
    for symbol in sorted(closes):
        there = [day for day, close in zip(days, closes[symbol], strict=True) if close is not None]
        if there and not is_index(symbol):
            lines.writerow([symbol, there[0], "" if there[-1] == days[-1] else there[-1]])
    return text.getvalue().encode()


def datasets_without_closes(path: Path) -> dict[str, list[str]]:
    """Datasets whose contract lists symbols of Yahoo's that the file of closes lacks, with those symbols.

    Raises:
        PriceFileError: the file is not one of closes.
    """
    from infra.sources.closes_file import read_closes

    closes = read_closes(path)[1]
    contracts = [load_contract(name) for name in dataset_names()]
    lacking = {c.name: [s for s in c.symbols.list if s not in closes] for c in contracts if c.source == "yahoo"}
    return {name: symbols for name, symbols in lacking.items() if symbols}
