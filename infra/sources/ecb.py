"""The ECB's data API (https://data.ecb.europa.eu/help/api/data): daily euro reference rates as SDMX-CSV.

As the service does: ``/data/EXR/D.<currencies joined by +, or none>.EUR.SP00.A`` with ``format=csvdata`` answers a line
an observation, by currency, then by day; 404 where nothing matches; 400 on arguments that
make no sense, 406 on another format. The Argentine peso is among the series, with an indicative rate that is no
reference rate. The digits are those of the ECB's own file, which :mod:`infra.sources.frankfurter` reads.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from infra.faults.rules import Rule
from infra.sources.data_faults import Days, changed_rates
from infra.sources.frankfurter import SOURCE, EcbRates
from infra.sources.http_messages import Response

HEADER = (
    *("KEY", "FREQ", "CURRENCY", "CURRENCY_DENOM", "EXR_TYPE", "EXR_SUFFIX", "TIME_PERIOD", "OBS_VALUE", "OBS_STATUS"),
    *("OBS_CONF", "OBS_PRE_BREAK", "OBS_COM", "TIME_FORMAT", "BREAKS", "COLLECTION", "COMPILING_ORG", "DISS_ORG"),
    *("DOM_SER_IDS", "PUBL_ECB", "PUBL_MU", "PUBL_PUBLIC", "UNIT_INDEX_BASE", "COMPILATION", "COVERAGE", "DECIMALS"),
    *("NAT_TITLE", "SOURCE_AGENCY", "SOURCE_PUB", "TITLE", "TITLE_COMPL", "UNIT", "UNIT_MULT"),
)
_AT = HEADER.index("TIME_PERIOD")
"""Day and rate stand beside each other."""
CSV_TYPE = "application/vnd.sdmx.data+csv;version=1.0.0"
_SERIES = re.compile(r"/data/EXR/D\.([A-Z+]*)\.EUR\.SP00\.A")
_INDICATIVE = ("ARS", "1234.5678")


class EcbApi:
    """Answers requests below ``/service``."""

    def __init__(self, rates: EcbRates) -> None:
        self._rates = rates

    def answer(self, path: str, query: dict[str, str], fault: Rule | None) -> Response:
        """The response to ``path`` (what follows ``/service``), its data changed by ``fault``."""
        series = _SERIES.fullmatch(path)
        if not series:
            return _refused(404, "No results found.")
        if query.get("format") != "csvdata":
            return _refused(406, "Not acceptable: the simulated service has format=csvdata only")
        try:
            start, end = (date.fromisoformat(query[name]) for name in ("startPeriod", "endPeriod"))
        except (KeyError, ValueError) as error:
            return _refused(400, f"Syntax error: {error}")
        wanted = [code for code in series[1].split("+") if code]
        published = [day for day in self._rates.between(start, end) if day >= start]
        days = changed_rates([(day, self._rates.on(day)) for day in published], fault)
        lines = [line for line in _lines(days) if not wanted or line[2] in wanted]
        return _table(lines) if lines else _refused(404, "No results found.")


def _lines(days: Days) -> Iterator[list[str]]:
    """An observation a line, by currency; a day's currencies without a rate have none."""
    by_code: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for day, rates in days:
        for code, rate in (*rates.items(), _INDICATIVE):
            by_code[code].append((f"{day}", rate))
    for code in sorted(by_code):
        series = _series(code)
        yield from ([*series[:_AT], day, rate, *series[_AT + 2 :]] for day, rate in by_code[code])


def _series(code: str) -> list[str]:
    """The cells that all observations of a series have in common."""
    kind = "Indicative" if code == _INDICATIVE[0] else "ECB reference"
    cells = {
        "KEY": f"EXR.D.{code}.EUR.SP00.A",
        "FREQ": "D",
        "CURRENCY": code,
        "CURRENCY_DENOM": "EUR",
        "EXR_TYPE": "SP00",
        "EXR_SUFFIX": "A",
        "OBS_STATUS": "A",
        "OBS_CONF": "F",
        "TIME_FORMAT": "P1D",
        "COLLECTION": "A",
        "UNIT_INDEX_BASE": "99Q1=100",
        "DECIMALS": "4",
        "SOURCE_AGENCY": "4F0",
        "TITLE": f"{code}/Euro",
        "TITLE_COMPL": f"{kind} exchange rate, {code}/Euro, 2:15 pm (C.E.T.)",
        "UNIT": code,
        "UNIT_MULT": "0",
    }
    return [cells.get(name, "") for name in HEADER]


def _table(lines: list[list[str]]) -> Response:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([HEADER, *lines])
    return Response(200, text.getvalue().encode(), CSV_TYPE, SOURCE)


def _refused(status: int, message: str) -> Response:
    return Response(status, message.encode(), "text/plain;charset=utf-8", SOURCE)
