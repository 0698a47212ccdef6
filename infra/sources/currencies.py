"""Names of the currencies, from the list that the pipeline's contract uses."""

from __future__ import annotations

import csv
from pathlib import Path


def load_currency_names() -> dict[str, str]:
    """Code -> English name."""
    import marketlake

    path = Path(marketlake.__path__[0]) / "contracts" / "currencies.csv"
    with path.open(newline="", encoding="utf-8") as lines:
        return {row["symbol"]: row["name"] for row in csv.DictReader(lines)}
