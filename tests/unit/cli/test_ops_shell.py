from __future__ import annotations

import builtins
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.cli.main import main
from infra.client.macros import call_of, make_macros
from infra.client.saved_queries import literals_of, saved_queries, with_literals
from marketlake import Lake
from tests.unit.cli.conftest import Printed
from tests.unit.cli.sample_lake import sample_lake

Run = Callable[..., Printed]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_lake(tmp_path_factory.mktemp("sample"))


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*arguments: str, piped: str = "") -> Printed:
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.StringIO(piped))
        status = main(["--root", f"{root}", "shell", *arguments])
        printed = capsys.readouterr()
        return Printed(status, printed.out, printed.err)

    return call


SQL = "SELECT ticker, close FROM ftse100_prices WHERE dt = '2022-09-14' ORDER BY ticker LIMIT 2"


def test_sql_is_answered_as_lines_and_as_a_table_with_what_is_simulated(run: Run, root: Path) -> None:
    wanted = Lake.local(root).sql(SQL).to_dicts()
    printed = run("--json", "-c", SQL)
    assert (printed.status, printed.records) == (0, wanted)
    assert "prices are simulated (seed 7)" in printed.err
    assert run("--json", piped=f"{SQL};\nSELECT 1 AS n;").records == [*wanted, {"n": 1}]
    assert wanted[0]["ticker"] in run("-c", SQL).out


def cells(rows: list[tuple[Any, ...]]) -> list[Any]:
    """All cells, row by row in an order that a last digit does not change."""
    ordered = sorted(
        rows, key=lambda row: [f"{value:.3g}" if isinstance(value, float) else f"{value}" for value in row]
    )
    return [cell for row in ordered for cell in row]


def test_each_saved_query_is_a_macro_that_answers_as_the_query(root: Path) -> None:
    lake, answered = Lake.local(root), 0
    with lake.connect() as connection:
        make_macros(connection)
        for query in saved_queries():
            days = iter(["2022-09-06", "2022-09-29"])
            given = {p.name: next(days) if p.kind == "date" else p.example for p in query.parameters}
            literals = literals_of(query, [f"{name}={value}" for name, value in given.items()])
            wanted = lake.sql(with_literals(query.sql, literals)).rows()
            arguments = ", ".join(parameter.literal(given[parameter.name]) for parameter in query.parameters)
            found = connection.sql(f"FROM {query.name}({arguments})").pl().rows()
            # Sums of floats depend on which thread adds first.
            assert cells(found) == [pytest.approx(x) if isinstance(x, float) else x for x in cells(wanted)], query.name
            answered += bool(wanted)
            assert connection.sql(call_of(query)) is not None
    assert answered > 12


def test_parameters_of_a_macro_are_its_own_and_not_columns(run: Run) -> None:
    asked = "FROM moving_averages(p_ticker := 'AZN.L', p_start := '2022-09-05', p_end := '2022-09-07')"
    found = run("--json", "-c", asked).records
    assert [row["dt"] for row in found] == ["2022-09-05", "2022-09-06", "2022-09-07"]


def test_a_mistake_is_duckdb_s_own_words_and_status_1(run: Run) -> None:
    printed = run("-c", "SELECT nope FROM fx_rates")
    assert printed.status == 1
    assert 'column "nope" not found' in printed.err.replace("Referenced ", "")


def test_a_file_takes_the_rows(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rows.ndjson"
    assert run("-c", "FROM range(3) AS r(n)", "-o", f"{path}").out == ""
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"n": n} for n in range(3)]


def test_at_the_prompt_a_statement_goes_over_lines_and_a_mistake_ends_nothing(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = iter([".tables", "SELEC 1;", "SELECT 40 +", None, "SELECT 40 +", "2 AS n;", ".queries", ".exit"])

    def read(_prompt: str) -> str:
        line = next(typed)
        if line is None:
            raise KeyboardInterrupt
        return line

    monkeypatch.setattr(builtins, "input", read)
    monkeypatch.setattr(sys, "stdin", type("Terminal", (io.StringIO,), {"isatty": lambda _: True})())
    assert main(["--root", f"{root}", "shell"]) == 0
    printed = capsys.readouterr()
    assert "ftse100_prices_adjusted" in printed.out
    assert "FROM moving_averages('AZN.L'," in printed.out
    assert "42" in printed.out
    assert "syntax error" in printed.err
