"""The handler on moto, whose Athena answers what a test puts into its queue."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from moto.athena.models import QueryResults, athena_backends
from msgspec.structs import replace

from athena_check import handler as check_handler
from athena_check.handler import handler
from athena_check.partitions import check_sql
from marketlake import aws
from marketlake.contract import Contract
from marketlake.errors import AthenaCheckFailed, ContractViolation
from marketlake.layout import clean_key
from marketlake.manifest import WrittenDay, write_manifest
from marketlake.markers import Marker, read_marker, write_marker
from marketlake.schemas import glue_columns
from marketlake.storage import Bucket
from tests.unit.lake import RATES, REGION, Context, Lake, batch_of, task_of

DAYS = [date(2023, 1, 3), date(2023, 1, 4)]
COLUMNS = [
    *("form", "dt", "row_count", "key_count", "base_currency_nulls", "target_currency_nulls", "rate_nulls"),
    *("rate_min", "rate_max", "flags_nulls"),
]
ANSWER = [[form, f"{day}", "31", "31", "0", "0", "0", "0.5", "150.0", "31"] for form in ("day", "year") for day in DAYS]


def deploy(columns: list[dict[str, str]]) -> None:
    glue: Any = aws.glue_client()
    glue.create_database(DatabaseInput={"Name": "marketlake"})
    glue.create_table(
        DatabaseName="marketlake", TableInput={"Name": "fx_rates", "StorageDescriptor": {"Columns": columns}}
    )
    athena: Any = aws.athena_client()
    location = {"OutputLocation": "s3://lake-clean/results/"}
    athena.create_work_group(Name="marketlake", Configuration={"ResultConfiguration": location})


@pytest.fixture
def written(lake: Lake) -> list[WrittenDay]:
    """Two days in the lake, in the catalogue and in the manifest of Transform."""
    deploy(glue_columns(RATES))
    days = []
    for day in DAYS:
        etag = lake.clean.put(clean_key("fx_rates", day), f"parquet of {day}".encode(), "x/parquet")
        days.append(WrittenDay(day, f"sha of {day}", etag, 31, 1, {"rate": (0.5, 150.0)}, {"flags": 31}))
    tell(lake, days)
    return days


def tell(lake: Lake, days: list[WrittenDay]) -> None:
    write_manifest(lake.clean, "manifests/run-1/0-written.json", days)


def check(answer: list[list[str]], execution: str = "run-1") -> dict[str, Any]:
    rows = [{"Data": [{"VarCharValue": cell} if cell else {} for cell in row]} for row in [COLUMNS, *answer]]
    backend = athena_backends["123456789012"][REGION]
    backend.query_results_queue.append(QueryResults(rows=rows, column_info=[]))
    event = {
        "task": task_of("AthenaCheck", execution),
        "batch": batch_of(RATES, ["2023-01-03/2023-01-04"]),
        "transformed": {"written": 2, "rows": 62, "manifest": "manifests/run-1/0-written.json"},
    }
    context: Any = Context()
    return handler(event, context)


def marked(lake: Lake) -> list[Marker | None]:
    found = [read_marker(lake.clean, "fx_rates", day) for day in DAYS]
    return [pair and pair[0] for pair in found]


def test_what_was_written_is_found_and_the_days_are_marked(lake: Lake, written: list[WrittenDay]) -> None:
    assert check(ANSWER) == {"days": 2, "rows": 62, "markers": 2, "corrected": 0, "same": 0, "kept": 0}
    day = written[0]
    assert marked(lake)[0] == Marker("fx_rates", DAYS[0], RATES.version, day.raw_sha256, day.etag, 31, 1, "run-1")
    queries: Any = aws.athena_client()
    (query,) = queries.list_query_executions(WorkGroup="marketlake")["QueryExecutionIds"]
    asked = queries.get_query_execution(QueryExecutionId=query)["QueryExecution"]
    assert asked["Query"] == check_sql(RATES, ["2023-01-03/2023-01-04"])
    assert asked["QueryExecutionContext"] == {"Database": "marketlake"}


@pytest.mark.usefixtures("written")
def test_days_that_are_marked_so_already_are_left_alone(lake: Lake) -> None:
    check(ANSWER)
    assert check(ANSWER, execution="run-2")["markers"] == 0
    assert [marker and marker.execution for marker in marked(lake)] == ["run-1", "run-1"]


def test_a_correction_is_counted_and_goes_to_the_history(lake: Lake, written: list[WrittenDay]) -> None:
    write_marker(lake.clean, Marker("fx_rates", DAYS[0], 1, "old sha", "old etag", 31, 0, "earlier"))
    tell(lake, [replace(written[0], changed_rows=4), replace(written[1], changed_rows=0)])
    assert check(ANSWER) == {"days": 2, "rows": 62, "markers": 2, "corrected": 1, "same": 0, "kept": 0}
    first = marked(lake)[0]
    assert first is not None
    assert [(entry.raw_sha256, entry.changed_rows) for entry in first.history] == [("old sha", 4)]


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (2, "30", "30 rows, 31 were written"),
        (3, "30", "31 rows have 30 distinct keys"),
        (6, "2", "rate has nulls"),
        (8, "151.0", "rate ranges over"),
    ],
)
@pytest.mark.parametrize(("row", "form"), [(1, "day"), (3, "year")])
def test_anything_else_than_what_was_written_marks_no_day(
    lake: Lake, row: int, form: str, place: int, value: str, words: str
) -> None:
    answer = [list(cells) for cells in ANSWER]
    answer[row][place] = value
    with pytest.raises(AthenaCheckFailed, match=rf"fx_rates by {form}: 2023-01-04: .*{words}.*no marker was written"):
        check(answer)
    assert marked(lake) == [None, None]


@pytest.mark.usefixtures("written")
def test_a_partition_that_athena_does_not_see_marks_no_day(lake: Lake) -> None:
    with pytest.raises(AthenaCheckFailed, match="2023-01-04: Athena finds no rows"):
        check(ANSWER[:1])
    assert marked(lake) == [None, None]


@pytest.mark.usefixtures("written")
def test_an_object_that_another_wrote_meanwhile_marks_no_day(lake: Lake) -> None:
    lake.clean.put(clean_key("fx_rates", DAYS[1]), b"of another", "x/parquet")
    with pytest.raises(AthenaCheckFailed, match=r"dt=2023-01-04/part-0\.parquet is \w+, \w+ was written"):
        check(ANSWER)
    assert marked(lake) == [None, None]


@pytest.mark.usefixtures("written")
def test_a_marker_that_another_wrote_for_what_lies_there_is_not_replaced(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After our last look another execution writes the day, and marks it before we do."""
    confirm, others = check_handler._confirm, list[Marker]()

    def confirm_then_lose(contract: Contract, clean: Bucket, days: list[WrittenDay]) -> None:
        confirm(contract, clean, days)
        if not others:
            etag = clean.put(clean_key("fx_rates", DAYS[1]), b"of another", "x/parquet")
            others.append(Marker("fx_rates", DAYS[1], RATES.version, "its sha", etag, 31, 0, "another"))
            write_marker(clean, others[0])

    monkeypatch.setattr(check_handler, "_confirm", confirm_then_lose)
    with pytest.raises(AthenaCheckFailed, match=r"dt=2023-01-04/part-0\.parquet is \w+, \w+ was written"):
        check(ANSWER)
    assert marked(lake)[1] == others[0]


@pytest.mark.usefixtures("written")
def test_a_second_object_in_a_partition_would_double_its_rows(lake: Lake) -> None:
    lake.clean.put("clean/fx_rates/dt=2023-01-03/part-1.parquet", b"", "x/parquet")
    with pytest.raises(AthenaCheckFailed, match=r"part-1\.parquet is not an object of the lake; remove it"):
        check(ANSWER)


@pytest.mark.usefixtures("written")
def test_other_days_and_datasets_in_the_lake_do_not_matter(lake: Lake) -> None:
    for key in ("clean/fx_rates/dt=2023-01-02/part-0.parquet", "clean/fx_rates/dt=2023-01-05/part-9.parquet"):
        lake.clean.put(key, b"", "x/parquet")
    lake.clean.put("clean/fx_rates_old/dt=2023-01-03/part-1.parquet", b"", "x/parquet")
    assert check(ANSWER)["markers"] == 2


def test_a_catalogue_that_differs_from_the_contract_is_a_violation(lake: Lake) -> None:
    deploy(glue_columns(RATES)[:2])
    tell(lake, [])
    with pytest.raises(ContractViolation, match=r"fx_rates: Glue has .*deploy again"):
        check(ANSWER)


@pytest.mark.usefixtures("written")
def test_many_differences_are_shortened() -> None:
    answer = [[*row[:2], "1", "2", "3", "4", "5", "6", "7", "8"] for row in ANSWER]
    with pytest.raises(AthenaCheckFailed, match=r"and \d+ more; no marker was written: the next run loads these days"):
        check(answer)


@pytest.mark.usefixtures("written")
def test_the_result_is_a_small_document() -> None:
    assert len(json.dumps(check(ANSWER))) < 100


def test_days_that_came_with_nothing_new_are_checked_and_not_marked_again(
    lake: Lake, written: list[WrittenDay]
) -> None:
    check(ANSWER)
    before = lake.everything()
    tell(lake, [replace(written[0], raw_sha256="noise", changed_rows=0, kept_rows=3, same=True), written[1]])
    found = check(ANSWER)
    assert found == {"days": 1, "rows": 31, "markers": 0, "corrected": 0, "same": 1, "kept": 3}
    markers = [key for key in before if key.startswith("markers/")]
    assert [lake.everything()[key] for key in markers] == [before[key] for key in markers]
