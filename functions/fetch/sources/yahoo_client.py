"""yfinance with its process-wide state under control.

yfinance 1.7 keeps, for the life of the process: one session, cookie and crumb (``YfData`` is a singleton), the last 64
answers, errors included, and a sqlite file of time zones below the home directory. Each is set here before a pass,
under a lock. ``yfinance.download`` is not used: it turns every exception into an empty frame and a line of a log, and
joins the frames of all symbols into one.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from fetch.sources.pace import Pace

if TYPE_CHECKING:
    from fetch.sources.yahoo_session import WatchingSession

LONDON = "Europe/London"
LONDON_SUFFIX = ".L"
_LONDON_INDEX = "^FT"
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Download:
    """What yfinance made of one symbol: its bars by day, or its exception."""

    symbol: str
    frame: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class YahooClient:
    """Downloads daily bars with low concurrency, by requests of ``timeout`` seconds.

    ``base_url``, ``proxy`` and ``pace`` as in ``YahooSource``, but that None is Yahoo's own address.
    """

    base_url: str | None
    timeout: float
    concurrency: int
    proxy: str | None
    pace: float

    @contextmanager
    def one_pass(self, tolerated: int) -> Iterator[Pass]:
        """A pass over the source, which ends early when more than ``tolerated`` symbols failed."""
        import pandas  # type: ignore[import-untyped]

        from fetch.sources.yahoo_session import WatchingSession

        # Names of columns as on Lambda, which is without pyarrow: as Arrow's text they take a fifth of all the time.
        texts = pandas.option_context("mode.string_storage", "python")
        with texts, _one_at_a_time, WatchingSession(self.base_url, self.timeout, tolerated, self.proxy) as session:
            _prepare(session, mirror=self.base_url is not None)
            yield Pass(session, self.timeout, self.concurrency, Pace(self.pace))


@dataclass(frozen=True)
class Pass:
    """Downloads that share a session, with what it knows."""

    session: WatchingSession
    timeout: float
    concurrency: int
    pace: Pace

    def download(self, symbols: Sequence[str], start: date, end: date) -> Iterator[Download]:
        """Bars of each of ``symbols`` from ``start`` to ``end``, both included, in their order."""
        one = partial(self._one, start=start, end=end + timedelta(days=1))
        if self.concurrency == 1:
            yield from map(one, symbols)
            return
        with ThreadPoolExecutor(self.concurrency, "yahoo") as pool:
            yield from pool.map(one, symbols)

    def _one(self, symbol: str, start: date, end: date) -> Download:
        from yfinance.data import YfData

        self.pace.wait()
        try:
            history = self._history(symbol)
            frame = history(start=start, end=end, auto_adjust=False, actions=True, keepna=True, timeout=self.timeout)
            return Download(symbol, frame)
        except Exception as error:  # YahooSource judges it, with the answer that it came from
            return Download(symbol, error=error)
        finally:
            # Answers are large; and asking again must not bring the very page that made it fail.
            YfData.cache_get.cache_clear()

    def _history(self, symbol: str) -> Callable[..., Any]:
        """yfinance's ``Ticker.history``: of a symbol that names its time zone what that calls in the end, which spares
        the request for the zone."""
        import yfinance
        from yfinance.data import YfData
        from yfinance.scrapers.history import PriceHistory

        if symbol.endswith(LONDON_SUFFIX) or symbol.startswith(_LONDON_INDEX):
            return PriceHistory(YfData(), symbol, LONDON, self.session).history  # type: ignore[no-any-return]
        return yfinance.Ticker(symbol, session=self.session).history  # type: ignore[no-any-return]


def _prepare(session: WatchingSession, *, mirror: bool) -> None:
    from yfinance.cache import set_tz_cache_location
    from yfinance.config import YfConfig
    from yfinance.data import YfData

    # YahooSource judges and reports all failures.
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)
    YfConfig.debug.hide_exceptions = False
    # It turns on warnings about its own use of pandas, thousands of lines a batch.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"yfinance\b")
    set_tz_cache_location(_cache_directory().name)
    data = YfData(session=session)
    # Only Yahoo has cookies and crumbs to give; yfinance does not ask for what it has.
    data._cookie = data._crumb = "mirror" if mirror else None
    data._cookie_strategy = "basic"


@lru_cache(maxsize=1)
def _cache_directory() -> tempfile.TemporaryDirectory[str]:
    """Among the temporary files, the only place that a Lambda function can write to; removed with the process."""
    return tempfile.TemporaryDirectory(prefix="marketlake-yfinance-", ignore_cleanup_errors=True)
