"""A year of evenings: at its end, and on evenings between, total returns from the view are those of the truth.

The source is simulated as London and Yahoo are: closes are adjusted for the splits so far; some are corrected a few
evenings later, as are dividends; rows come late; dividends are in pence, dollars and euro. Each evening goes through
Transform as the daily run does it: the new days, the last week again, and by force the history of a ticker whose split
the evening before noticed, which is what the pipeline itself asks for. No command is run.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import duckdb
import polars as pl
import pytest

from infra.package.tables import views
from marketlake.batch_rows import BatchRows, write_batch_rows
from marketlake.contract import Contract
from marketlake.history import years_stored
from marketlake.intervals import to_intervals
from marketlake.layout import actions_key, batch_rows_key, year_key, year_table
from marketlake.manifest import manifest_keys
from marketlake.restatements import Restatement, read_restatements
from marketlake.storage import Bucket, ObjectMissing, PreconditionFailed, Stored
from tests.unit.frames import clean_frames, handed_on
from tests.unit.lake import PRICES, RATES, Bar, Context, batch_of, prices_csv, rates_json, task_of
from transform import handler as transform_handler
from validate.raw import RawDay

FIRST, LAST = date(2022, 3, 1), date(2023, 2, 28)
DAYS = PRICES.days(FIRST, LAST)
LOOK_BACK = timedelta(days=7)
SETTLED = 3
"""Evenings after which a row is final, all of them within the look-back."""

CLOSED = {40, 41, 120}
"""Evenings on which the source has nothing: their days come with the next."""

BETWEEN = {60, 125, 190}
"""Evenings on which the view is asked, too."""

CURRENCIES = ["GBp", "GBp", "USD", "EUR", "GBP"]
TICKERS = [f"{letter}.L" for letter in "ABCDE"]


@dataclass
class Share:
    """What is true of a ticker, by the number of the day: closes in pence before any split, dividends, splits."""

    ticker: str
    currency: str
    closes: list[float]
    dividends: dict[int, float] = field(default_factory=dict)
    splits: dict[int, float] = field(default_factory=dict)
    wrong_closes: dict[int, float] = field(default_factory=dict)
    wrong_dividends: dict[int, float] = field(default_factory=dict)
    late: set[int] = field(default_factory=set)

    def divisor(self, day: int, evening: int) -> float:
        """New shares for each one of ``day``, by the splits up to ``evening``."""
        product = 1.0
        for when, ratio in self.splits.items():
            product *= ratio if day < when <= evening else 1.0
        return product

    def bar(self, day: int, evening: int) -> Bar | None:
        """The bar of ``day`` as the source has it on ``evening``, if it has it."""
        fresh = evening - day < SETTLED
        if day in self.late and fresh:
            return None
        divisor = self.divisor(day, evening)
        close = self.closes[day] * (self.wrong_closes.get(day, 1.0) if fresh else 1.0) / divisor
        dividend = self.dividends.get(day, 0.0) * (self.wrong_dividends.get(day, 1.0) if fresh else 1.0) / divisor
        return Bar(
            self.ticker,
            close=close,
            open=close,
            high=close,
            low=close,
            adj_close=close * random.Random(f"{self.ticker}{day}{evening // 9}").uniform(0.1, 1),
            volume=1000,
            dividend=dividend,
            dividend_currency=self.currency if dividend else "",
            split_ratio=self.splits.get(day, 0.0),
        )


def market(seed: int) -> list[Share]:
    """Five tickers with dividends, splits, corrections and late rows at random."""
    chance, shares = random.Random(seed), []
    for place, ticker in enumerate(TICKERS):
        closes = [chance.uniform(300, 3000)]
        while len(closes) < len(DAYS):
            closes.append(closes[-1] * chance.uniform(0.97, 1.032))
        share = Share(ticker, CURRENCIES[place], closes)
        for when in chance.sample(range(2, len(DAYS) - SETTLED), 4):
            amount = closes[when - 1] * chance.uniform(0.005, 0.06)
            share.dividends[when] = amount if share.currency == "GBp" else amount / 100
        for when in chance.sample([*share.dividends], 2):
            share.wrong_dividends[when] = chance.choice([0.0, 0.5, 1.7])
        if place != 1:
            share.splits[chance.randrange(20, len(DAYS) - 20)] = chance.choice([2.0, 3.0, 0.1])
        share.wrong_closes = {when: chance.uniform(0.9, 1.1) for when in chance.sample(range(len(DAYS)), 15)}
        share.late = set(chance.sample(range(len(DAYS)), 6)) - share.splits.keys()
        shares.append(share)
    return shares


class InMemory(Bucket):
    """A bucket of a dictionary: moto takes 20 ms for a listing, and a year of evenings has a thousand."""

    def __init__(self) -> None:
        self.name, self.objects = "clean", dict[str, Stored]()

    def get(self, key: str) -> Stored:
        if key not in self.objects:
            raise ObjectMissing(key)
        return self.objects[key]

    def metadata(self, key: str) -> dict[str, str]:
        return dict(self.get(key).metadata)

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str,  # noqa: ARG002 - as the bucket's
        *,
        if_match: str | None = None,
        if_absent: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        there = self.objects.get(key)
        if (if_absent and there) or (if_match and (there is None or there.etag != if_match)):
            raise PreconditionFailed(key)
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        self.objects[key] = Stored(body, etag, metadata or {})
        return etag

    def keys(self, prefix: str, start_after: str = "") -> list[tuple[str, str]]:
        return sorted((key, o.etag) for key, o in self.objects.items() if key.startswith(prefix) and key > start_after)


class Evenings:
    """The pipeline's Transform on one evening after another."""

    def __init__(self, clean: Bucket, shares: Sequence[Share]) -> None:
        self.clean, self.shares = clean, shares
        self.bodies: dict[date, bytes] = {}
        self.patches: list[Restatement] = []
        self.reloads = 0

    def body(self, day: int, evening: int, tickers: Sequence[str] = TICKERS) -> bytes:
        bars = (share.bar(day, evening) for share in self.shares if share.ticker in tickers)
        return prices_csv([bar for bar in bars if bar is not None])

    def play(self, evening: int, closed: set[int]) -> None:
        """The daily run after the close of day ``evening``; on the ``closed`` evenings the source has nothing new."""
        for patch in self.patches:
            self.reload(patch, evening)
        self.patches = []
        execution = f"evening-{evening}"
        seen = [number for number in range(evening + 1) if DAYS[number] >= DAYS[evening] - LOOK_BACK]
        if evening in closed:
            return
        new = [number for number in range(evening + 1) if DAYS[number] not in self.bodies]
        again = [number for number in seen if number not in new]
        bodies = {number: self.body(number, evening) for number in [*again, *new]}
        same = [number for number in again if self.bodies[DAYS[number]] == bodies[number]]
        if len(again) > len(same):
            changed = [number for number in again if number not in same]
            self.transform(execution, 0, changed, bodies, evening, unchanged=same, recheck=True)
        self.transform(execution, 1, new, bodies, evening, continues=bool(again))
        self.bodies |= {DAYS[number]: body for number, body in bodies.items()}
        self.patches = read_restatements(self.clean, manifest_keys(self.clean, execution))

    def reload(self, patch: Restatement, evening: int) -> None:
        """The days of ``patch``, as its dead letter or the pipeline's own ledger has them, by force."""
        self.reloads += 1
        numbers = [
            n for n, day in enumerate(DAYS) if date.fromisoformat(patch.first) <= day <= date.fromisoformat(patch.last)
        ]
        for index, year in enumerate(sorted({DAYS[number].year for number in numbers})):
            of_year = [number for number in numbers if DAYS[number].year == year]
            bodies = {number: self.body(number, evening, [patch.symbol]) for number in of_year}
            self.transform(f"patch-{evening}-{patch.symbol}", index, of_year, bodies, evening, symbols=[patch.symbol])

    def transform(
        self,
        execution: str,
        index: int,
        numbers: Sequence[int],
        bodies: dict[int, bytes],
        evening: int,
        unchanged: Sequence[int] = (),
        symbols: Sequence[str] = (),
        **more: bool,
    ) -> None:
        days = [RawDay(DAYS[number], bodies[number]) for number in numbers]
        first = min([*numbers, *unchanged])
        (before,) = clean_frames(PRICES, [RawDay(DAYS[0], self.body(first - 1, evening) if first else prices_csv([]))])
        rows = handed_on(PRICES, days, before, [DAYS[number] for number in unchanged])
        load(self.clean, PRICES, execution, index, rows, symbols, **more)


def load(
    clean: Bucket,
    contract: Contract,
    execution: str,
    index: int,
    rows: BatchRows,
    symbols: Sequence[str] = (),
    **more: bool,
) -> None:
    """Transform, given ``rows``."""
    key = batch_rows_key(execution, index)
    write_batch_rows(clean, key, rows)
    days = sorted({*rows.unchanged, *(day.dt for day in rows.days)})
    batch = batch_of(contract, to_intervals(contract, days), symbols, **more)
    validated = {"accepted": len(days), "unchanged": 0, "rejected": 0, "rejected_rows": 0, "manifest": key}
    context: Any = Context()
    event = {"task": task_of("Transform", execution, index), "batch": batch, "validated": validated}
    transform_handler.handler(event, context)


def load_rates(clean: Bucket) -> dict[date, dict[str, float]]:
    """Rates that move from day to day, on the ECB's own days; returns them."""
    chance = random.Random(1)
    days = RATES.days(FIRST - timedelta(days=20), LAST)
    rates = {day: {"GBP": chance.uniform(0.83, 0.9), "USD": chance.uniform(1.0, 1.1)} for day in days}
    for year in (2022, 2023):
        raw = [RawDay(day, rates_json(day, of_day)) for day, of_day in rates.items() if day.year == year]
        load(clean, RATES, "rates", year, handed_on(RATES, raw))
    return rates


def adjusted(clean: Bucket) -> dict[str, dict[date, float]]:
    """The view's adjusted closes, by ticker and day: its text over the lake's own files."""
    connection = duckdb.connect()
    for contract in (PRICES, RATES):
        frames = [
            pl.read_parquet(io.BytesIO(clean.get(year_key(contract.name, year)).body)).with_columns(
                year=pl.lit(f"{year}")
            )
            for year in years_stored(clean, contract.name)
        ]
        connection.register(year_table(contract.name), pl.concat(frames).to_arrow())
    (view,) = (view for view in views() if view.name == "ftse100_prices_adjusted")
    rows = connection.execute(f"SELECT ticker, dt, adj_close FROM ({view.sql}) AS v").fetchall()  # noqa: S608
    found: dict[str, dict[date, float]] = {}
    for ticker, dt, close in rows:
        found.setdefault(ticker, {})[date.fromisoformat(dt)] = close
    return found


def true_return(share: Share, first: int, last: int, rates: dict[date, dict[str, float]]) -> float:
    """Of a share bought at the close of ``first`` whose dividends buy more at the close before each ex-day."""
    worth = share.closes[last] / share.closes[first]
    for when, amount in share.dividends.items():
        if first < when <= last:
            pence = amount * {"GBp": 1.0, "GBP": 100.0}.get(share.currency, 0.0) or amount * 100 * pounds(
                share.currency, DAYS[when], rates
            )
            worth /= 1 - pence / (share.closes[when - 1] / share.divisor(when - 1, when))
    for when, ratio in share.splits.items():
        worth *= ratio if first < when <= last else 1.0
    return worth - 1


def pounds(currency: str, day: date, rates: dict[date, dict[str, float]]) -> float:
    """Pounds for one of ``currency`` by the last rates on or before ``day``."""
    last = rates[max(known for known in rates if known <= day)]
    return last["GBP"] / last.get(currency, 1.0)


def windows(last: int) -> Iterator[tuple[int, int]]:
    yield 0, last
    yield last // 3, last // 2
    yield from pairwise(range(0, last + 1, 20))


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    bucket = InMemory()
    monkeypatch.setenv("CLEAN_BUCKET", bucket.name)
    monkeypatch.setattr(transform_handler, "Bucket", lambda *_: bucket)
    return bucket


@pytest.mark.parametrize("seed", range(1, 1 + int(os.environ.get("EVENINGS_SEEDS", "1"))))
def test_total_returns_of_a_year_of_evenings_are_those_of_the_truth(clean: Bucket, seed: int) -> None:
    rates, shares = load_rates(clean), market(seed)
    evenings = Evenings(clean, shares)
    for evening in range(len(DAYS)):
        evenings.play(evening, CLOSED)
        if evening in BETWEEN and not evenings.patches:
            check(clean, shares, rates, evening)
    check(clean, shares, rates, len(DAYS) - 1)
    assert evenings.reloads == sum(len(share.splits) for share in shares), "no split was overlooked, and none made up"
    check_actions(clean, shares)


def check(clean: Bucket, shares: Sequence[Share], rates: dict[date, dict[str, float]], evening: int) -> None:
    """Over several windows up to the last day that is final on ``evening``."""
    found, last = adjusted(clean), evening - SETTLED
    for share in shares:
        closes = found[share.ticker]
        for first, end in windows(last):
            wanted = true_return(share, first, end, rates)
            ours = closes[DAYS[end]] / closes[DAYS[first]] - 1
            assert ours == pytest.approx(wanted, rel=1e-9, abs=1e-9), (share.ticker, DAYS[first], DAYS[end])


def check_actions(clean: Bucket, shares: Sequence[Share]) -> None:
    """The table of actions has the true ones, adjusted for later splits as Yahoo has them."""
    table = pl.read_parquet(io.BytesIO(clean.get(actions_key(PRICES.name)).body))
    last = len(DAYS) - 1
    there = {(dt, ticker, kind): amount for dt, ticker, kind, amount, *_ in table.iter_rows()}
    for share in shares:
        unit = 100 if share.currency == "GBp" else 1
        for when, amount in share.dividends.items():
            found = there.pop((f"{DAYS[when]}", share.ticker, "dividend"))
            assert found == pytest.approx(amount / share.divisor(when, last) / unit)
        for when, ratio in share.splits.items():
            assert there.pop((f"{DAYS[when]}", share.ticker, "split")) == ratio
    assert set(there.values()) <= {0.0}
