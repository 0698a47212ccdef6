"""The lists that the simulation follows: the symbols to simulate, and the names of the currencies.

Both are the pipeline's own; the symbols may be a list of the user's. They are read here and not by ``marketlake``,
whose readers bring boto3 along: the server starts without it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import marketlake

CONTRACTS = Path(marketlake.__path__[0]) / "contracts"
COLUMNS = ("ticker", "company", "sector", "valid_from", "valid_to")


class ConstituentsError(ValueError):
    """The file of constituents cannot be read; the message names the file and the line."""


@dataclass(frozen=True)
class Constituent:
    """One symbol, and the first day on which it was listed or became a member."""

    ticker: str
    company: str
    valid_from: date


def load_currency_names() -> dict[str, str]:
    """Code -> English name."""
    with (CONTRACTS / "currencies.csv").open(newline="", encoding="utf-8") as lines:
        return {row["symbol"]: row["name"] for row in csv.DictReader(lines)}


def load_constituents(path: Path | None) -> dict[str, Constituent]:
    """Ticker -> constituent, from ``path`` or else the pipeline's own list.

    Of several rows of a ticker (left and came back) the earliest counts.

    Raises:
        ConstituentsError: no such file, a missing column, a bad date.
    """
    path = path or CONTRACTS / "constituents.csv"
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            return _read(csv.DictReader(lines), path)
    except OSError as error:
        raise ConstituentsError(f"cannot read the constituents {path}: {error.strerror or error}") from error


def _read(rows: csv.DictReader[str], path: Path) -> dict[str, Constituent]:
    missing = sorted({"ticker", "valid_from"} - set(rows.fieldnames or ()))
    if missing:
        raise ConstituentsError(f"{path} has no column {', '.join(missing)}; it needs {', '.join(COLUMNS)}")
    found: dict[str, Constituent] = {}
    for row in rows:
        member = _constituent(row, f"{path}, line {rows.line_num}")
        known = found.get(member.ticker)
        if known is None or member.valid_from < known.valid_from:
            found[member.ticker] = member
    return found


def _constituent(row: dict[str, str], where: str) -> Constituent:
    ticker = (row["ticker"] or "").strip().upper()
    if not ticker:
        raise ConstituentsError(f"{where}: the ticker is empty")
    try:
        valid_from = date.fromisoformat((row["valid_from"] or "").strip())
    except ValueError as error:
        raise ConstituentsError(f"{where}: valid_from {row['valid_from']!r} is not an ISO date") from error
    return Constituent(ticker, (row.get("company") or ticker).strip(), valid_from)
