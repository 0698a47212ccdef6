"""What must hold after every run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
from polars.testing import assert_frame_equal

from infra.client.lake import take_inventory
from infra.client.retries import is_loaded
from infra.client.saved_queries import SavedQuery, filled
from infra.client.target import Target
from marketlake.contract import Contract, dataset_names, load_contract
from marketlake.history import loaded_days
from tests.e2e import saved_prices, saved_rates
from tests.e2e.saved_frames import Frames, put_aside
from tests.timelapse.athena import Tables, dated
from tests.timelapse.client import letters_of
from tests.timelapse.engine import Machine
from tests.timelapse.oracle import Oracle, compare
from tests.timelapse.world import FIRST_DAY, PRICES, TICKERS, World

BASIS = 0.1
"""Relative; a correction moves a close by less than this, a split by more."""


@dataclass
class Checks:
    """A lake, and what there is to hold it against."""

    oracle: Oracle
    world: World
    tables: Tables
    target: Target
    machine: Machine
    where: str = ""
    asked: int = 0

    @property
    def today(self) -> date:
        """The virtual day."""
        return self.machine.s3.now.date()

    def hold(self, seed: int, to_retry: Collection[str], queries: Sequence[SavedQuery]) -> None:
        """All of it; messages about the executions ``to_retry`` may wait, since somebody will see to them."""
        self.where = f"seed {seed}, evening of {self.today}"
        assert not self.machine.defects, f"{self.where}: {self.machine.defects}"
        for dataset in dataset_names():
            self._rows_are_those_answered(load_contract(dataset))
            self._loaded_days_are_known(dataset)
        for letter in letters_of(self.machine, self.target):
            waits = letter.execution not in to_retry
            assert not (waits and is_loaded(self.target, letter.request)), f"{self.where}: loaded and waiting: {letter}"
        frames = self._frames()
        for query in queries:
            self._answers_as_polars(query, frames)

    def one_basis(self, symbol: str, last: str) -> None:
        """The closes of ``symbol`` up to ``last`` are after the split whose report was retried, as those of today."""
        rows = self.tables.years(PRICES).filter(pl.col("dt") <= last, ticker=symbol).select("dt", "close").rows()
        for text, close in rows:
            answered = self.world.row(PRICES, symbol, date.fromisoformat(text), self.today)
            same = answered is None or abs(close * 100 / answered.values[3] - 1) < BASIS
            assert same, f"{self.where}: {symbol} {text}: {close} is before the split"

    def _rows_are_those_answered(self, contract: Contract) -> None:
        name, expected = contract.name, self.oracle.of(contract.name)
        years, days = (dated(contract, frame) for frame in (self.tables.years(name), self.tables.days(name)))
        found = compare(contract, expected, years)
        assert not found, f"{self.where}, {name}: {found}"
        # Where a function was killed for good between day and year, they differ until the day is loaded again.
        certain = days.filter(~pl.col("dt").is_in(expected.may_be["dt"].unique().to_list()))
        names = ["dt", *(column.name for column in contract.columns)]
        shared = years.filter(pl.col("dt").is_in(certain["dt"].unique().to_list())).select(names)
        for frame, other in ((certain.select(names), shared), (shared, certain.select(names))):
            alone = frame.join(other, on=names, how="anti", nulls_equal=True)
            assert not alone.height, f"{self.where}, {name}: by day and by year differ: {alone.head(3).rows()}"

    def _loaded_days_are_known(self, dataset: str) -> None:
        expected = self.oracle.of(dataset)
        where = f"{self.where}, {dataset}"
        loaded = loaded_days(self.target.bucket("clean"), dataset, FIRST_DAY, self.today)
        assert expected.loaded <= loaded, f"{where}: not loaded: {sorted(expected.loaded - loaded)[:5]}"
        assert loaded <= expected.tried, f"{where}: never in an answer: {sorted(loaded - expected.tried)[:5]}"
        shown = set(take_inventory(self.target, dataset, FIRST_DAY, self.today).complete)
        assert shown == loaded, f"{where}: partitions does not show as loaded {sorted(shown ^ loaded)[:5]}"

    def _answers_as_polars(self, query: SavedQuery, frames: Frames) -> None:
        given = self._parameters(query)
        asked = f"{self.where}: {query.name} {given}"
        found = self.tables.ask(filled(query, [f"{k}={v}" for k, v in given.items()]))
        wanted = (getattr(saved_prices, query.name, None) or getattr(saved_rates, query.name))(frames, given)
        # When an execution saw another amount is in no row of the history.
        found, wanted = (frame.drop("changed", strict=False) for frame in (found, wanted))
        self.asked += 1
        assert found.height == wanted.height, f"{asked}: {found.height} rows, not {wanted.height}"
        if found.height:  # the types of an empty answer are nobody's
            try:
                assert_frame_equal(found, wanted, check_dtypes=False, rel_tol=1e-9, abs_tol=1e-12)
            except AssertionError as error:
                raise AssertionError(f"{asked}: {error}") from error

    def _parameters(self, query: SavedQuery) -> dict[str, str]:
        """The last 250 days of the history, which is more than the daily objects reach back."""
        held = self.tables.years(PRICES)["dt"].unique().sort().to_list()
        last, first = held[-1], held[-250:][0]
        known = dict.fromkeys(("start", "from_day"), first) | dict.fromkeys(("end", "to_day", "day"), last)
        known |= {"ticker": TICKERS[0], "other_ticker": TICKERS[2], "currency": "USD", "from_currency": "USD"}
        known |= {"to_currency": "JPY", "places": "3", "times": "1.5"}
        return {parameter.name: known[parameter.name] for parameter in query.parameters}

    def _frames(self) -> Frames:
        """The rows of the history, which were found to be the source's, and the rows in quarantine."""
        aside = [put_aside(name, self.tables.quarantined(name)) for name in dataset_names()]
        return Frames({name: self.tables.years(name).drop("year") for name in dataset_names()}, pl.concat(aside))
