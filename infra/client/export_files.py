"""Files that others read: CSV, Excel and DuckDB. Text stays text in each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from infra.client.errors import Refusal

if TYPE_CHECKING:
    import polars as pl

    Frames = Mapping[str, pl.DataFrame]
    Step = Callable[[str], None]
    Writer = Callable[[Frames, Sequence[str], Path, Step], None]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")
"""With these a spreadsheet takes a cell of a CSV file for a formula; after an apostrophe it takes it for text.
https://owasp.org/www-community/attacks/CSV_Injection, and OWASP's ASVS 1.2.10"""

SHEET_ROWS, SHEET_NAME = 1_048_575, 31
"""Rows of a sheet without its header, and characters of its name.
https://support.microsoft.com/en-us/office/excel-specifications-and-limits-1672b34d-7043-467e-8e27-269d656771c3"""

ABOUT = "about"
"""The table or sheet with lines about the others."""

TEXT_STAYS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
"""Otherwise "=1+1" is written as a formula, and an address as a link: https://xlsxwriter.readthedocs.io/worksheet.html"""


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """``frame`` as CSV in UTF-8; text that a spreadsheet would take for a formula gets an apostrophe before it."""
    import polars as pl

    text = pl.col(pl.String)
    doubtful = text.str.slice(0, 1).is_in(FORMULA_STARTS)
    frame.with_columns(pl.when(doubtful).then(pl.lit("'") + text).otherwise(text).name.keep()).write_csv(path)


def write_one_csv(frames: Frames, _about: Sequence[str], path: Path, step: Step) -> None:
    """The one table of ``frames``; CSV has no place for lines about it."""
    (frame,) = frames.values()
    step(next(iter(frames)))
    write_csv(frame, path)


def write_excel(frames: Frames, about: Sequence[str], path: Path, step: Step) -> None:
    """A sheet a table, and one with the lines of ``about``; no cell is a formula. ``step`` is called before each.

    Raises:
        Refusal: a table has more rows than a sheet.
    """
    import polars as pl
    import xlsxwriter

    for name, frame in frames.items():
        if frame.height > SHEET_ROWS:
            raise Refusal(
                f"{name} has {frame.height:,} rows; a sheet takes {SHEET_ROWS:,}",
                "narrow it with --start, --end or --symbol, or write a .duckdb or .csv file",
            )
    with xlsxwriter.Workbook(path, TEXT_STAYS_TEXT) as book:
        for name, frame in {**frames, ABOUT: pl.DataFrame({ABOUT: list(about)})}.items():
            step(name)
            frame.write_excel(book, worksheet=name[:SHEET_NAME], autofit=frame.height < 1000)


def write_duckdb(frames: Frames, about: Sequence[str], path: Path, step: Step) -> None:
    """A database with a table for each of ``frames``, and one with the lines of ``about``. ``step`` as above."""
    import duckdb
    import polars as pl

    # By way of Parquet: handing a frame over needs pyarrow, which who only reads does not install.
    with duckdb.connect(path) as connection, TemporaryDirectory() as folder:
        for name, frame in {**frames, ABOUT: pl.DataFrame({ABOUT: list(about)})}.items():
            step(name)
            frame.write_parquet(f"{folder}/{name}.parquet")
            connection.read_parquet(f"{folder}/{name}.parquet").create(name)


WRITERS: Mapping[str, Writer] = {".duckdb": write_duckdb, ".csv": write_one_csv, ".xlsx": write_excel}
"""What writes a file, by its ending."""

ONE_TABLE = (".csv",)
"""Endings of files that hold one table."""
