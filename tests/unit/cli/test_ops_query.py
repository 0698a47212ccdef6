from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import tokenize

from infra.client import saved_queries
from infra.client.errors import Refusal
from infra.client.result_table import read_csv, table_of
from infra.client.saved_queries import ACCEPTED, Parameter, SavedQuery, literals_of, parse_parameter, with_literals
from infra.client.target import Target
from infra.dashboard.questions import ask
from tests.unit.cli.conftest import Command

QUERY = "11111111-2222-3333-4444-555555555555"
COLUMNS = [("ticker", "varchar"), ("close", "double"), ("day", "date"), ("n", "bigint"), ("ok", "boolean")]
ROWS: list[list[str | None]] = [["BT-A.L", "1.5", "2026-01-05", "7", "true"], ["", "NaN", None, None, None]]


def page(rows: list[list[str | None]], columns: list[tuple[str, str]] = COLUMNS, token: str = "") -> dict[str, Any]:
    data = [{"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]} for row in rows]
    info = [{"Name": name, "Type": kind} for name, kind in columns]
    result: dict[str, Any] = {"ResultSet": {"Rows": data, "ResultSetMetadata": {"ColumnInfo": info}}}
    return result | ({"NextToken": token} if token else {})


@pytest.fixture
def athena(target: Target) -> Any:
    with Stubber(target.athena) as stub:
        yield stub


def answers(stub: Stubber, sql: object, *pages: dict[str, Any], kind: str = "DML", parameters: object = None) -> None:
    context = {"QueryString": sql, "WorkGroup": "marketlake", "QueryExecutionContext": {"Database": "marketlake"}}
    bound: dict[str, Any] = {"ExecutionParameters": parameters} if parameters else {}
    stub.add_response("start_query_execution", {"QueryExecutionId": QUERY}, context | bound)
    execution = {
        "Status": {"State": "SUCCEEDED"},
        "StatementType": kind,
        "ResultConfiguration": {"OutputLocation": f"s3://marketlake-results-123456789012-eu-west-2/athena/{QUERY}.csv"},
        "Statistics": {"TotalExecutionTimeInMillis": 1200, "DataScannedInBytes": 2_500_000},
    }
    stub.add_response("get_query_execution", {"QueryExecution": execution}, {"QueryExecutionId": QUERY})
    for found in pages:
        stub.add_response("get_query_results", found)


HEADER: list[str | None] = [name for name, _ in COLUMNS]


def test_a_query_is_shown_as_a_table_and_its_cost_beside_it(command: Command, athena: Stubber) -> None:
    answers(athena, "SELECT 1", page([HEADER, *ROWS]))
    shown = command("query", "SELECT 1")

    assert shown.status == 0
    assert "BT-A.L" in shown.out
    assert "2 rows in 1.2 s, 2.5 MB scanned" in shown.err


def test_json_on_standard_output_is_json_only_and_has_null_for_nan(command: Command, athena: Stubber) -> None:
    answers(athena, "SELECT 1", page([HEADER, *ROWS]))
    assert command("query", "SELECT 1", "--json").records == [
        {"ticker": "BT-A.L", "close": 1.5, "day": "2026-01-05", "n": 7, "ok": True},
        {"ticker": "", "close": None, "day": None, "n": None, "ok": None},
    ]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "json", "ndjson"])
def test_output_is_written_by_its_extension_and_holds_the_same(
    command: Command, athena: Stubber, tmp_path: Path, suffix: str
) -> None:
    answers(athena, "SELECT 1", page([HEADER, ROWS[0]]))
    path = tmp_path / f"out.{suffix}"
    assert command("query", "SELECT 1", "--output", str(path)).status == 0

    if suffix == "parquet":
        table = pq.read_table(path)
        assert table.schema.types == [pa.string(), pa.float64(), pa.date32(), pa.int64(), pa.bool_()]
        assert table.to_pylist() == [{"ticker": "BT-A.L", "close": 1.5, "day": date(2026, 1, 5), "n": 7, "ok": True}]
    elif suffix == "json":
        found = json.loads(path.read_text("utf-8"))
        assert found == [{"ticker": "BT-A.L", "close": 1.5, "day": "2026-01-05", "n": 7, "ok": True}]
    elif suffix == "ndjson":
        assert path.read_text("utf-8").endswith("}\n")
        assert json.loads(path.read_text("utf-8"))["ticker"] == "BT-A.L"
    else:
        with path.open(newline="", encoding="utf-8") as lines:
            assert list(csv.reader(lines)) == [HEADER, ["BT-A.L", "1.5", "2026-01-05", "7", "true"]]


@pytest.mark.parametrize("name", ["out.txt", "out", "nowhere/out.csv"])
def test_an_output_that_cannot_be_written_is_refused_before_anything_is_asked(command: Command, name: str) -> None:
    shown = command("query", "SELECT 1", "--output", name)
    assert shown.status == 2
    assert name in shown.err


def test_a_large_result_is_read_from_its_file_in_one_request(command: Command, athena: Stubber, target: Target) -> None:
    body = b'"ticker","close","day","n","ok"\n"A.L","1.5","2026-01-05","7","true"\n"",,,,\n,"2.0",,"8","false"\n'
    key = f"athena/{QUERY}.csv"
    target.s3.put_object(Bucket="marketlake-results-123456789012-eu-west-2", Key=key, Body=body)
    answers(athena, "SELECT 1", page([HEADER, ROWS[0]], token="more"))
    found = command("query", "SELECT 1", "--json").records

    assert [row["ticker"] for row in found] == ["A.L", "", None]
    assert [row["n"] for row in found] == [7, None, 8]


def test_a_failed_query_exits_1_with_athenas_reason(command: Command, athena: Stubber) -> None:
    fails(athena, "COLUMN_NOT_FOUND: 'nope' [red]")
    shown = command("query", "SELECT nope")

    assert shown.status == 1
    assert "COLUMN_NOT_FOUND: 'nope' [red]" in shown.err


DAYS = {"start": "2026-01-01", "end": "2026-01-31"}
REPLACED = "HIVE_FILESYSTEM_ERROR: Incorrect fileSize 1234567 for file: s3://clean/by_year/x"
REMOVED = "HIVE_CURSOR_ERROR: com.amazonaws.services.s3.model.AmazonS3Exception: The specified key does not exist."


def fails(stub: Stubber, reason: str) -> None:
    stub.add_response("start_query_execution", {"QueryExecutionId": QUERY})
    status = {"State": "FAILED", "StateChangeReason": reason}
    stub.add_response("get_query_execution", {"QueryExecution": {"Status": status}})


@pytest.mark.parametrize("reason", [REPLACED, REMOVED])
def test_a_query_whose_file_changed_meanwhile_is_run_once_more(command: Command, athena: Stubber, reason: str) -> None:
    fails(athena, reason)
    answers(athena, "SELECT 1", page([["n"], ["1"]], [("n", "bigint")]))
    assert command("query", "SELECT 1", "--json").records == [{"n": 1}]


def test_where_files_change_again_the_message_says_what_to_do(command: Command, athena: Stubber) -> None:
    fails(athena, REPLACED)
    fails(athena, REPLACED)
    shown = command("query", "SELECT 1")
    assert shown.status == 1
    assert "Incorrect fileSize 1234567" in shown.err
    assert "ask again when it has ended" in shown.err


def test_the_dashboard_asks_once_more_too_and_says_what_to_do(target: Target, athena: Stubber) -> None:
    fails(athena, REPLACED)
    fails(athena, REPLACED)
    assert "ask again when it has ended" in ask(target, "missing_days", DAYS).error
    fails(athena, REPLACED)
    answers(athena, ANY, page([["day"], ["2026-01-05"]], [("day", "varchar")]), parameters=ANY)
    answer = ask(target, "missing_days", DAYS)
    assert (answer.rows, answer.error) == ([{"day": "2026-01-05"}], "")


def test_what_athena_refuses_exits_1_with_its_message(command: Command, athena: Stubber) -> None:
    athena.add_client_error("start_query_execution", "InvalidRequestException", "line 1:1: mismatched input")
    shown = command("query", "SELEKT 1")
    assert shown.status == 1
    assert "line 1:1: mismatched input" in shown.err


def test_data_cannot_style_or_control_the_terminal(command: Command, athena: Stubber) -> None:
    answers(athena, "SELECT 1", page([["text"], ["[red]loud[/] \x1b[31m \x9b31m"]], [("text", "varchar")]))
    out = command("query", "SELECT 1").out
    assert "[red]loud[/]" in out
    assert "\x1b" not in out
    assert "\x9b" not in out


def test_show_has_no_header_row_and_may_have_no_columns() -> None:
    assert table_of([("tab_name", "string")], [["a"], ["b"]]).to_pylist() == [{"tab_name": "a"}, {"tab_name": "b"}]
    assert table_of([], [["a"]]).to_pylist() == [{"result": "a"}]


def test_a_type_too_small_for_its_values_leaves_them_as_text() -> None:
    assert table_of([("n", "bigint")], [["99999999999999999999"], [None]]).to_pylist() == [
        {"n": "99999999999999999999"},
        {"n": None},
    ]


def test_the_result_file_may_name_two_columns_alike() -> None:
    table = read_csv(b'"a","a"\n"1","2"\n', [("a", "integer"), ("a", "varchar")])
    assert table.column_names == ["a", "a"]
    assert [column.to_pylist() for column in table.columns] == [[1], ["2"]]


DAY = "'2026-01-05'"
SAVED = """-- name: closes_of
-- description: Closes of one ticker
-- parameters: ticker, start, start
-- ticker: ticker, such as BT-A.L
-- start: date, such as 2026-01-05
SELECT '?' AS mark, close -- which?
FROM ftse100_prices WHERE ticker = ? AND dt BETWEEN ? AND ?
"""


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SavedQuery:
    (tmp_path / "closes-of.sql").write_text(SAVED, "utf-8")
    monkeypatch.setattr(saved_queries.find_query, "__defaults__", (tmp_path,))
    monkeypatch.setattr(saved_queries.saved_queries, "__defaults__", (tmp_path,))
    return saved_queries.find_query("closes-of")


def test_a_saved_query_goes_to_athena_with_its_parameters_in_order(
    command: Command, athena: Stubber, saved: SavedQuery
) -> None:
    answers(athena, saved.sql, page([["x"]], [("x", "varchar")]), parameters=["'BT-A.L'", DAY, DAY])
    shown = command("query", "closes_of", "--param", "start=2026-01-05", "--param", "ticker=BT-A.L")
    assert shown.status == 0, shown.err
    athena.assert_no_pending_responses()


def test_the_list_has_a_line_to_run_for_each_query(command: Command, saved: SavedQuery) -> None:
    run = "marketlake query closes_of --param ticker=BT-A.L --param start=2026-01-05"
    described = {"name": "closes_of", "description": "Closes of one ticker", "parameters": "ticker, start"}
    assert command("query", "--list", "--json").document == [described | {"example": run}]
    assert run in command("query", "--list").out
    assert literals_of(saved, saved.examples) == ["'BT-A.L'", DAY, DAY]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ([], "--param ticker is missing; closes_of takes ticker, start"),
        (["ticker=A.L"], "--param start is missing"),
        (["ticker=A.L", "ticker=B.L", "start=2026-01-05"], "ticker=B.L"),
        (["nope=1", "ticker=A.L", "start=2026-01-05"], "nope=1"),
        (["ticker", "start=2026-01-05"], "'ticker'"),
        (["ticker=A.L", "start=5.1.2026"], "start='5.1.2026' is not accepted; it is a date as YYYY-MM-DD"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(saved: SavedQuery, texts: list[str], words: str) -> None:
    with pytest.raises(Refusal, match=words) as refused:
        literals_of(saved, texts)
    assert "--param start=2026-01-05" in refused.value.advice


def test_on_the_emulator_only_question_marks_of_the_statement_are_replaced(saved: SavedQuery) -> None:
    assert with_literals(saved.sql, literals_of(saved, ["ticker=BT-A.L", "start=2026-01-05"])) == (
        "SELECT '?' AS mark, close -- which?\n"
        f"FROM ftse100_prices WHERE ticker = 'BT-A.L' AND dt BETWEEN {DAY} AND {DAY}"
    )


HOSTILE = ["x' OR '1'='1", "a b", "", "1;2", "é", "a" * 41, "A.L\n", "--", "/*", "1)", "٣", "1e5", "'"]


@pytest.mark.parametrize(
    ("kind", "accepted", "refused"),
    [
        ("date", {"2024-02-29": "'2024-02-29'"}, ["2023-02-29", "20240229", "2024-2-9", "2024-W09-4"]),
        ("ticker", {"BT-A.L": "'BT-A.L'", "^FTSE": "'^FTSE'", "7203": "'7203'", "GBPUSD=X": "'GBPUSD=X'"}, []),
        ("currency", {"USD": "'USD'"}, ["usd", "US", "USDT"]),
        ("count", {"5": "5"}, ["0", "-1", "1.5", "10000"]),
        ("number", {"2.5": "2.5", "3": "3"}, ["-1", ".5", "1.", "inf", "nan"]),
    ],
)
def test_a_parameter_accepts_what_its_type_says_and_nothing_that_could_end_a_literal(
    kind: str, accepted: dict[str, str], refused: list[str]
) -> None:
    parameter = parse_parameter("value", f"{kind}, such as {next(iter(accepted))}", "a.sql")
    assert {value: parameter.literal(value) for value in accepted} == accepted
    hostile = [value for value in HOSTILE if kind != "ticker" or value not in ("--", "1e5")]  # these two are symbols
    for value in [*refused, *hostile]:
        with pytest.raises(Refusal, match="is not accepted; it is "):
            parameter.literal(value)


@given(st.sampled_from(sorted(ACCEPTED)), st.text(max_size=12))
def test_a_literal_is_one_token(kind: Any, value: str) -> None:
    try:
        literal = Parameter("value", kind, "").literal(value)
    except Refusal:
        return
    (token,) = tokenize(literal, read="athena")
    assert token.text == value


@pytest.mark.parametrize("text", ["", "date", "day, such as 2022-01-03", "date, such as today", "count, such as 0"])
def test_a_parameter_without_a_type_or_with_a_wrong_example_is_not_a_saved_query(text: str) -> None:
    with pytest.raises((ValueError, Refusal), match="start"):
        parse_parameter("start", text, "a.sql")


def test_an_unknown_name_is_refused_with_the_near_ones(command: Command) -> None:
    shown = command("query", "latest-price")
    assert shown.status == 2
    assert "near are: latest_prices" in shown.err
    assert "movers, movers_of_day" in command("query", "mover").err
    assert "volatility_and_drawdown" in command("query", "drawdown").err


def test_an_answer_without_rows_says_so_and_where_to_look(command: Command, athena: Stubber) -> None:
    answers(athena, "SELECT 1", page([HEADER]))
    assert "no rows; the days that the lake holds: marketlake partitions" in command("query", "SELECT 1").out


def test_parameters_without_a_saved_query_and_no_sql_at_all_exit_2(command: Command) -> None:
    assert command("query", "SELECT ?", "--param", "a=1").status == 2
    assert command("query").status == 2
    assert "there is no saved query 'nope'" in command("query", "nope").err
