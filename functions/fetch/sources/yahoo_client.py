"""``yfinance.download`` with its process-wide state under control.

yfinance 1.7 keeps, for the life of the process: one session (``YfData`` is a singleton), the last 64 answers, errors
included, a sqlite file of time zones below the home directory, and a pool of threads as large as the machine has
cores, whatever ``threads=`` says. Each is set here before a download, under a lock.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import warnings
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from fetch.sources.yahoo_chart import ChartAnswer

LONDON = "Europe/London"
LONDON_SUFFIX = ".L"
_one_at_a_time = threading.Lock()
_zoned: set[str] = set()


class YahooClient:
    """Downloads daily bars with low concurrency.

    Args:
        base_url: another server than Yahoo, None for Yahoo.
        timeout: seconds for one request.
        concurrency: requests at the same time.
    """

    def __init__(self, base_url: str | None, timeout: float, concurrency: int) -> None:
        self._base_url = base_url
        self._timeout = timeout
        self._concurrency = concurrency

    def download(self, symbols: Sequence[str], start: date, end: date) -> tuple[Any, dict[str, ChartAnswer]]:
        """Bars of ``symbols`` from ``start`` to ``end``, both included.

        Returns:
            The frame (rows: days; columns: symbol, then field) and what the last answer has about each symbol.
        """
        import yfinance

        from fetch.sources.yahoo_session import open_session

        with _one_at_a_time, open_session(self._base_url, self._timeout) as session:
            self._prepare(symbols)
            frame = yfinance.download(
                list(symbols),
                start=start.isoformat(),
                end=(end + timedelta(days=1)).isoformat(),
                auto_adjust=False,
                actions=True,
                keepna=True,
                group_by="ticker",
                threads=self._concurrency > 1,
                progress=False,
                timeout=self._timeout,
                session=session,
            )
            return frame, session.answers

    def _prepare(self, symbols: Sequence[str]) -> None:
        import multitasking
        from yfinance.cache import get_tz_cache, set_tz_cache_location
        from yfinance.data import YfData

        # YahooSource judges and reports all failures; at level DEBUG yfinance would download one by one.
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)
        # It turns on warnings about its own use of pandas, thousands of lines a batch.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"yfinance\b")
        set_tz_cache_location(_cache_directory().name)
        # The cache would answer a retry in the same process with the very page that made it fail.
        YfData.cache_get.cache_clear()
        multitasking.createPool("marketlake", self._concurrency, "thread")
        multitasking.config["TASKS"].clear()
        zones = get_tz_cache()
        for symbol in {symbol for symbol in symbols if symbol.endswith(LONDON_SUFFIX)} - _zoned:
            # Spares one request a symbol: yfinance would ask for the zone, which the suffix names.
            zones.store(symbol, LONDON)
            _zoned.add(symbol)


@lru_cache(maxsize=1)
def _cache_directory() -> tempfile.TemporaryDirectory[str]:
    """Among the temporary files, the only place that a Lambda function can write to; removed with the process."""
    return tempfile.TemporaryDirectory(prefix="marketlake-yfinance-", ignore_cleanup_errors=True)
