"""A small market of made-up bars, good in every way, for defects to be put into."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from marketlake.symbols import Listing, Symbols
from tests.unit.lake import PRICES, Bar, before_csv, prices_csv
from validate.raw import RawDay

DAYS = PRICES.days(date(2023, 1, 30), date(2023, 2, 8))
BEFORE = PRICES.days(date(2023, 1, 2), date(2023, 1, 29))[-20:]
TICKERS = [f"T{number:02}.L" for number in range(30)]
ALL = [(day, ticker) for day in DAYS for ticker in TICKERS]
Place = tuple[date, str]


def _bar(ticker: str, number: int) -> Bar:
    close = round((200 + 40 * TICKERS.index(ticker)) * (1 + 0.013 * ((number * 7 + TICKERS.index(ticker)) % 5)), 2)
    return Bar(
        ticker,
        close=close,
        open=round(close * 0.995, 2),
        high=round(close * 1.02, 2),
        low=round(close * 0.98, 2),
        adj_close=round(close * 0.97, 4),
        volume=10_000 + 137 * number,
    )


class Market:
    """Bars of 30 shares on 8 days and the 20 days before them; change ``bars`` to make a defect."""

    def __init__(self) -> None:
        days = [*BEFORE, *DAYS]
        self.bars = {(day, ticker): [_bar(ticker, n)] for n, day in enumerate(days) for ticker in TICKERS}
        self.symbols = Symbols(tuple(Listing(ticker, date(2000, 1, 1), date.max) for ticker in TICKERS))

    def change(self, *places: Place, **cells: Any) -> None:
        """Other values for cells: one given as a function is called with the old value."""
        for place in places:
            bar = self.bars[place][0]
            new = {name: cell(getattr(bar, name)) if callable(cell) else cell for name, cell in cells.items()}
            self.bars[place] = [replace(bar, **new)]

    def scale(self, factor: float, *places: Place) -> None:
        """All prices times ``factor``."""
        names = ("open", "high", "low", "close", "adj_close")
        self.change(*places, **dict.fromkeys(names, lambda value: value * factor))

    def repeat(self, *places: Place, **cells: Any) -> None:
        """The bar of the day before again, with other ``cells``."""
        days = [*BEFORE, *DAYS]
        for day, ticker in places:
            self.bars[day, ticker] = [replace(self.bars[days[days.index(day) - 1], ticker][0], **cells)]

    @property
    def raw_days(self) -> list[RawDay]:
        """The batch as raw objects."""
        return [
            RawDay(day, prices_csv([bar for ticker in TICKERS for bar in self.bars.get((day, ticker), [])]))
            for day in DAYS
        ]

    @property
    def before(self) -> bytes:
        """What Fetch stores of the days before: all bars of a share together, in their order."""
        return before_csv([(day, self.bars[day, ticker][0]) for ticker in TICKERS for day in BEFORE])
