"""Questions about ten years, asked of the tables by day and by year: objects, bytes, requests and time."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from infra.cost.prices import TB, assumed, price_list
from infra.local.config import ACCOUNT_ID
from marketlake.layout import clean_prefix, year_prefix, year_table
from tests.bench.output import ratios, row, spread, title
from tests.e2e.pipeline import Pipeline

FIRST, LAST = date(2013, 1, 1), date(2022, 12, 31)
REPEATS = 5
DAYS = f"dt BETWEEN '{FIRST}' AND '{LAST}'"
YEARS = f"year BETWEEN '{FIRST.year}' AND '{LAST.year}' AND {DAYS}"


@dataclass(frozen=True)
class Question:
    """A question about ``dataset``; ``only`` is a column and the one value of it that is asked about."""

    text: str
    dataset: str
    columns: tuple[str, ...]
    only: tuple[str, str] | None
    sql: str


QUESTIONS = (
    Question(
        "closes of one ticker",
        "ftse100_prices",
        ("close",),
        ("ticker", "AZN.L"),
        "SELECT dt, close FROM {table} WHERE {window} AND ticker = 'AZN.L' ORDER BY dt",
    ),
    Question(
        "total return of one ticker",
        "ftse100_prices",
        ("close", "dividend"),
        ("ticker", "AZN.L"),
        "SELECT exp(sum(ln((close + dividend) / before))) - 1 FROM (SELECT close, dividend, "
        "lag(close) OVER (ORDER BY dt) AS before FROM {table} WHERE {window} AND ticker = 'AZN.L') seen",
    ),
    Question(
        "yearly averages of all tickers",
        "ftse100_prices",
        ("ticker", "close", "volume"),
        None,
        "SELECT ticker, substr(dt, 1, 4), avg(close), avg(volume) FROM {table} WHERE {window} "
        "GROUP BY ticker, substr(dt, 1, 4) ORDER BY 1, 2",
    ),
    Question(
        "rates of one currency",
        "fx_rates",
        ("rate",),
        ("target_currency", "GBP"),
        "SELECT dt, rate FROM {table} WHERE {window} AND target_currency = 'GBP' ORDER BY dt",
    ),
)


@dataclass(frozen=True)
class Form:
    """A question asked in one form: the table's folder, the partitions of its window, and what a reader needs of it."""

    sql: str
    partitions: int
    objects: int
    size: int
    needed: int
    gets: int

    @property
    def dollars(self) -> float:
        """What Athena and its requests to S3 cost, at list price: a LIST a partition, ``gets``, and 10 MB at least."""
        by_name = price_list().prices
        scanned = max(self.needed, assumed("athena_min_bytes")) / TB
        requests = by_name["s3_put"].of(self.partitions) + by_name["s3_get"].of(self.gets)
        return requests + by_name["athena_tb"].of(scanned)


def form_of(question: Question, table: str, window: str, folder: Path, partitions: int, extra: tuple[str, ...]) -> Form:
    """What the files below ``folder`` ask of a reader that skips columns, and row groups by their statistics."""
    names = {*question.columns, *extra, *((question.only[0],) if question.only else ())}
    files = [
        path
        for path in sorted(folder.glob("*/part-0.parquet"))
        if f"{FIRST.year}" <= path.parent.name.partition("=")[2][:4] <= f"{LAST.year}"
    ]
    needed = gets = 0
    for path in files:
        chunks, size = _chunks(path, names, question.only)
        needed, gets = needed + size, gets + 1 + chunks
    sql = question.sql.format(table=table, window=window)
    return Form(sql, partitions, len(files), sum(path.stat().st_size for path in files), needed, gets)


def _chunks(path: Path, names: set[str], only: tuple[str, str] | None) -> tuple[int, int]:
    """Column chunks that a reader needs of a file, and their bytes with the footer's."""
    metadata = pq.read_metadata(path)
    chunks, size = 0, metadata.serialized_size
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
        if only:
            held: Any = columns[only[0]].statistics
            if not held.min <= only[1] <= held.max:
                continue
        chunks += len(names)
        size += sum(columns[name].total_compressed_size for name in names)
    return chunks, size


def ten_years(pipeline: Pipeline) -> None:
    """Load ten years, and ask each question in both forms in turn."""
    outcome = pipeline.wait(pipeline.start({"start": f"{FIRST}", "end": f"{LAST}"}), deadline=3600)
    assert outcome.status == "SUCCEEDED", outcome
    clean = pipeline.config.root / "s3" / ACCOUNT_ID / pipeline.name("clean_bucket")
    for question in QUESTIONS:
        name = question.dataset
        # Athena looks at every day of the calendar that the projection gives it, a weekend's too.
        days = (LAST - FIRST).days + 1
        by_day = form_of(question, name, DAYS, clean / clean_prefix(name), days, ())
        years = LAST.year - FIRST.year + 1
        by_year = form_of(question, year_table(name), YEARS, clean / year_prefix(name), years, ("dt",))
        title(f"{question.text}, ten years", "what", "by day / by year")
        row("partitions that Athena asks S3 about", f"{by_day.partitions} / {by_year.partitions}")
        row("objects opened", f"{by_day.objects} / {by_year.objects}")
        row("KB of these objects", f"{by_day.size / 1024:.0f} / {by_year.size / 1024:.0f}")
        row(
            "KB of footers, columns and row groups needed",
            f"{by_day.needed / 1024:.0f} / {by_year.needed / 1024:.0f}",
        )
        row("GET requests for these", f"{by_day.gets} / {by_year.gets}")
        row("dollars on AWS, at list price", f"{by_day.dollars:.6f} / {by_year.dollars:.6f}")
        row("seconds on the emulated Athena", _in_turn(pipeline, by_day.sql, by_year.sql))


def _in_turn(pipeline: Pipeline, by_day: str, by_year: str) -> str:
    days: list[float] = []
    years: list[float] = []
    for _ in range(REPEATS):
        found = []
        for seconds, sql in ((days, by_day), (years, by_year)):
            began = time.perf_counter()
            found.append(pipeline.query(sql))
            seconds.append(time.perf_counter() - began)
        assert len(found[0]) == len(found[1]) > 0
    both = f"{statistics.median(days):.2f} / {statistics.median(years):.2f}"
    return f"{both}: {spread(ratios(days, years), 1)} times"
