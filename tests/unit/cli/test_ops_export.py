from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import polars as pl
import pytest

from infra.cli.main import main
from infra.client.export_files import WRITERS, write_csv
from marketlake import Lake
from tests.unit.cli.conftest import Printed
from tests.unit.cli.sample_lake import sample_lake

Run = Callable[..., Printed]
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_lake(tmp_path_factory.mktemp("sample"))


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> Printed:
        capsys.readouterr()
        status = main(["--root", f"{root}", *arguments])
        printed = capsys.readouterr()
        return Printed(status, printed.out, printed.err)

    return call


def test_duckdb_has_the_rows_of_all_datasets_and_says_what_they_are(run: Run, root: Path, tmp_path: Path) -> None:
    path = tmp_path / "lake.duckdb"
    printed = run("export", "-o", f"{path}", "--start", "2022-09-05", "--end", "2022-09-07")
    assert printed.status == 0, printed.err
    assert "prices are simulated (seed 7)" in printed.err
    lake = Lake.local(root)
    window = date(2022, 9, 5), date(2022, 9, 7)
    with duckdb.connect(path) as found:
        assert found.sql("SELECT DISTINCT dt FROM ftse100_index ORDER BY 1").fetchall() == [
            (date(2022, 9, day),) for day in (5, 6, 7)
        ]
        prices = found.sql("FROM ftse100_prices").pl().sort("ticker", "dt")
        about = " ".join(line for (line,) in found.sql("FROM about").fetchall())
    wanted = lake.prices(None, *window, adjusted=False, on_gaps="warn").sort("ticker", "dt")
    assert prices.select(wanted.columns).equals(wanted)
    assert "prices are simulated (seed 7)" in about


def test_csv_has_one_table_in_the_window_and_of_the_symbols(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    window = ["--start", "2022-09-14", "--end", "2022-09-15"]
    printed = run("export", "-o", f"{path}", "--dataset", "fx_rates", "--symbol", "USD", *window)
    assert printed.status == 0, printed.err
    rows = list(csv.reader(path.open(newline="")))
    assert rows == [
        ["dt", "base_currency", "target_currency", "rate", "flags"],
        ["2022-09-14", "EUR", "USD", "0.999", ""],
        ["2022-09-15", "EUR", "USD", "0.9992", ""],
    ], rows


def test_gaps_are_said_and_never_silent(run: Run, tmp_path: Path) -> None:
    printed = run(
        "export", "-o", f"{tmp_path}/rates.csv", "--dataset", "fx_rates", "--symbol", "HRK", "--symbol", "EEK"
    )
    assert printed.status == 0
    assert "fx_rates lacks rows that are expected: EEK" in printed.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--dataset", "shares"], "no dataset or table 'shares'; there are closing_days"),
        (["--symbol", "AZN"], "no ticker or currency 'AZN'; near are: AZN.L"),
        (["--start", "2021-01-01"], "the lake holds ftse100_index from 2022-09-01 to 2022-09-30"),
        (["--start", "2022-09-07", "--end", "2022-09-05"], "--start 2022-09-07 is after --end 2022-09-05"),
        (["--start", "soon"], "--start is 'soon'"),
        (["--replace"], ".csv file holds one table"),
    ],
)
def test_what_is_not_there_is_refused_in_a_line_and_nothing_is_written(
    run: Run, tmp_path: Path, given: list[str], said: str
) -> None:
    ending = "csv" if given == ["--replace"] else "duckdb"
    printed = run("export", "-o", f"{tmp_path}/lake.{ending}", *given)
    assert printed.status == 2
    assert said in printed.err
    assert len([line for line in printed.err.splitlines() if not line.startswith("next: ")]) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_lake_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", f"{tmp_path}", "export", "-o", f"{tmp_path}/lake.duckdb"]) == 1
    assert "holds no lake" in capsys.readouterr().err


HOSTILE = [f"{start}cmd|' /C calc'!A0" for start in "=+-@\t\r\0"]


def test_csv_holds_no_formula_and_numbers_stay_numbers(tmp_path: Path) -> None:
    frame = pl.DataFrame({"reason": [*HOSTILE, "BT-A.L", None, ""], "move": [-1.5] * (len(HOSTILE) + 3)})
    write_csv(frame, tmp_path / "rows.csv")
    rows = list(csv.reader((tmp_path / "rows.csv").open(newline="", encoding="utf-8")))[1:]
    assert [row[0] for row in rows] == [*(f"'{text}" for text in HOSTILE), "BT-A.L", "", ""]
    assert {row[1] for row in rows} == {"-1.5"}


def test_excel_holds_no_formula_and_text_as_it_is(tmp_path: Path) -> None:
    links = ["https://example.com", "007"]
    frame = pl.DataFrame({"reason": [*HOSTILE[:5], *links], "dt": [date(2022, 9, 5)] * 7})
    WRITERS[".xlsx"]({"quarantine": frame}, ["=1+1"], tmp_path / "rows.xlsx", lambda _: None)
    book = zipfile.ZipFile(tmp_path / "rows.xlsx")
    sheets = [ElementTree.fromstring(book.read(name)) for name in book.namelist() if "worksheets/sheet" in name]  # noqa: S314 - our own
    assert len(sheets) == 2
    assert not [cell for sheet in sheets for kind in ("f", "hyperlink") for cell in sheet.iter(f"{SHEET}{kind}")]
    shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314 - our own
    texts = {item.text for item in shared.iter(f"{SHEET}t")}
    assert {text.strip() for text in [*HOSTILE[:5], *links, "=1+1"]} <= {str(text).strip() for text in texts}
    assert {"about", "quarantine"} <= {
        sheet.get("name")
        for sheet in ElementTree.parse(  # noqa: S314 - our own
            io.BytesIO(book.read("xl/workbook.xml"))
        ).iter(f"{SHEET}sheet")
    }


def test_a_table_with_more_rows_than_a_sheet_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.client.export_files.SHEET_ROWS", 1)
    with pytest.raises(Exception, match="prices has 2 rows; a sheet takes 1"):
        WRITERS[".xlsx"]({"prices": pl.DataFrame({"n": [1, 2]})}, [], tmp_path / "rows.xlsx", lambda _: None)
