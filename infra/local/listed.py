"""The constituents that a file of closes speaks of: with such prices, its tickers are the list in force."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from infra.local.replay.closes_file import read_closes


def constituents_of_closes(path: Path) -> bytes:
    """A constituents file (ticker, valid_from, valid_to) with the stretch of days for which ``path`` has each ticker.

    Raises:
        PriceFileError: the file is not one of closes.
    """
    days, closes = read_closes(path)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["ticker", "valid_from", "valid_to"])
    for symbol in sorted(closes):
        there = [day for day, close in zip(days, closes[symbol], strict=True) if close is not None]
        if there:
            lines.writerow([symbol, there[0], "" if there[-1] == days[-1] else there[-1]])
    return text.getvalue().encode()
