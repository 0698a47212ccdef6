"""What a file of closes speaks of: with such prices, its tickers are the constituents in force."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from infra.sources.closes_file import is_index, read_closes
from marketlake.contract import dataset_names, load_contract


def constituents_of_closes(path: Path) -> bytes:
    """A constituents file (ticker, valid_from, valid_to) with the stretch of days for which ``path`` has each ticker.

    An index is no constituent.

    Raises:
        PriceFileError: the file is not one of closes.
    """
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
    """Datasets whose contract itself lists symbols of Yahoo's that ``path`` lacks, with those: replay has none of it.

    Raises:
        PriceFileError: the file is not one of closes.
    """
    closes = read_closes(path)[1]
    contracts = [load_contract(name) for name in dataset_names()]
    lacking = {c.name: [s for s in c.symbols.list if s not in closes] for c in contracts if c.source == "yahoo"}
    return {name: symbols for name, symbols in lacking.items() if symbols}
