"""The list of symbols whose prices are simulated: the pipeline's constituents, or a list of the user's own."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

COLUMNS = ("ticker", "company", "sector", "valid_from", "valid_to")


class ConstituentsError(ValueError):
    """The file of constituents cannot be read; the message names the file and the line."""


@dataclass(frozen=True)
class Constituent:
    """One symbol, and the first day on which it was listed or became a member."""

    ticker: str
    company: str
    valid_from: date


def default_path() -> Path:
    """The list that the pipeline itself uses."""
    import marketlake

    return Path(marketlake.__path__[0]) / "contracts" / "constituents.csv"


def load_constituents(path: Path) -> dict[str, Constituent]:
    """Ticker -> constituent; of several rows of a ticker (left and came back) the earliest counts.

    Raises:
        ConstituentsError: no such file, a missing column, a bad date.
    """
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
        raise ConstituentsError(f"{where}: valid_from {row['valid_from']!r} is no ISO date") from error
    return Constituent(ticker, (row.get("company") or ticker).strip(), valid_from)
