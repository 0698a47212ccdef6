"""``marketlake dashboard`` on an account without Athena: what it answers is the tests' own."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from infra.cli.dashboard import has_browser
from infra.client.athena import Result
from infra.client.errors import QueryFailed
from infra.client.target import Target
from infra.dashboard import questions
from tests.unit.cli.conftest import Command


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """The queries that were run; each answers no rows."""
    seen: list[tuple[str, list[str]]] = []

    def run(_target: Target, sql: str, literals: list[str]) -> Result:
        seen.append((sql, literals))
        return Result(pa.table({}), "id", 0.1, 0)

    monkeypatch.setattr(questions, "run_query", run)
    return seen


def test_a_page_is_written_and_its_path_is_the_last_line(
    command: Command, asked: Any, store: Any, tmp_path: Path
) -> None:
    store("ftse100_prices", date(2022, 12, 30))
    printed = command("dashboard", "--output", f"{tmp_path}/page.html")
    assert printed.status == 0
    assert "0 tickers on 0 days, 2021-12-30 to 2022-12-30" in printed.out
    assert printed.out.endswith(f"\n{tmp_path}/page.html\n")
    assert (tmp_path / "page.html").read_text("utf-8").startswith("<!doctype html>")
    start, end = "'2021-12-30'", "'2022-12-30'"
    assert [start, end, start, end, start] in [literals for _, literals in asked]
    assert all(sql.count("?") == len(literals) for sql, literals in asked)


def test_what_athena_cannot_answer_is_on_the_page_and_in_the_exit_status(
    command: Command, asked: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object) -> Result:
        raise QueryFailed("the query failed: <b>no</b>")

    monkeypatch.setattr(questions, "run_query", refuse)
    printed = command("dashboard", "--output", f"{tmp_path}/page.html", "--end", "2022-12-30")
    assert printed.status == 1
    assert "next: marketlake query closes_and_averages --param start=2021-12-30 --param end=2022-12-30" in printed.err
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "the query failed: \\u003cb>no\\u003c/b>" in text
    assert "<b>no" not in text
    assert asked == []


@pytest.mark.parametrize(
    "given",
    [
        ("--output", "nowhere/page.html"),
        ("--output", "."),
        ("--start", "2023-01-01", "--end", "2022-01-01"),
        ("--end", "x"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_asked(
    command: Command, asked: Any, given: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("dashboard", *given).status == 2
    assert asked == []
    assert list(tmp_path.iterdir()) == []


def test_no_browser_is_opened_where_nobody_looks() -> None:
    assert not has_browser()
