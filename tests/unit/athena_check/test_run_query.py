from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from athena_check import athena
from athena_check.athena import run_query
from marketlake.errors import ContractViolation, MarketlakeError, PermissionDenied, StorageUnavailable
from tests.unit.lake import REGION


class Script:
    """An Athena client that answers what a test says, call by call, and checks what it is asked."""

    def __init__(self) -> None:
        self.client = boto3.client("athena", region_name=REGION)
        self.stubber = Stubber(self.client)
        self.stubber.activate()
        self.started = 0
        self.start()

    @property
    def query(self) -> str:
        return f"q{self.started}"

    def start(self) -> Script:
        self.started += 1
        asked = {"QueryString": "SELECT 1", "WorkGroup": "wg", "QueryExecutionContext": {"Database": "db"}}
        self.stubber.add_response("start_query_execution", {"QueryExecutionId": self.query}, asked)
        return self

    def state(self, state: str, **status: Any) -> Script:
        answer = {"QueryExecution": {"Status": {"State": state, **status}}}
        self.stubber.add_response("get_query_execution", answer, {"QueryExecutionId": self.query})
        return self

    def failed(self, reason: str, **error: int) -> Script:
        return self.state("FAILED", StateChangeReason=reason, **({"AthenaError": error} if error else {}))

    def rows(self, rows: Sequence[Sequence[str | None]], token: str = "", after: str = "") -> Script:
        data = [{"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]} for row in rows]
        answer = {"ResultSet": {"Rows": data}, **({"NextToken": token} if token else {})}
        asked = {"QueryExecutionId": self.query, **({"NextToken": after} if after else {})}
        self.stubber.add_response("get_query_results", answer, asked)
        return self

    def run(self, timeout: float = 60) -> list[dict[str, str]]:
        found = run_query(self.client, "wg", "db", "SELECT 1", timeout)
        self.stubber.assert_no_pending_responses()
        return found


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between polls, which take no time here."""
    made: list[float] = []
    monkeypatch.setattr("athena_check.athena.time.sleep", made.append)
    return made


def test_rows_come_by_name_and_null_is_empty() -> None:
    script = Script().state("QUEUED").state("RUNNING").state("SUCCEEDED")
    assert script.rows([["dt", "low"], ["2023-01-03", "1.5"], ["2023-01-04", None]]).run() == [
        {"dt": "2023-01-03", "low": "1.5"},
        {"dt": "2023-01-04", "low": ""},
    ]


def test_all_pages_are_read_and_only_the_first_has_the_names() -> None:
    script = Script().state("SUCCEEDED").rows([["n"], ["1"]], token="t1").rows([["2"], ["3"]], token="t2", after="t1")
    assert [row["n"] for row in script.rows([["4"]], after="t2").run()] == ["1", "2", "3", "4"]


def test_no_rows_is_an_empty_answer() -> None:
    assert Script().state("SUCCEEDED").rows([["n"]]).run() == []


REPLACED = "HIVE_FILESYSTEM_ERROR: Incorrect fileSize 1234567 for file: s3://clean/by_year/x"

TRANSIENT: list[tuple[str, dict[str, int]]] = [
    (REPLACED, {}),
    ("HIVE_CANNOT_OPEN_SPLIT", {"ErrorCategory": 2, "ErrorType": 1009}),
    ("GENERIC_INTERNAL_ERROR", {"ErrorCategory": 1, "ErrorType": 100}),
]


@pytest.mark.parametrize(("reason", "error"), TRANSIENT)
def test_a_query_that_failed_is_run_again(pauses: list[float], reason: str, error: dict[str, int]) -> None:
    script = Script().state("RUNNING").failed(reason, **error).start().failed(reason, **error).start()
    assert script.state("SUCCEEDED").rows([["n"], ["1"]]).run() == [{"n": "1"}]
    assert [pause for pause in pauses if pause in athena.PAUSES] == list(athena.PAUSES)


@pytest.mark.parametrize(("reason", "error"), TRANSIENT)
def test_a_query_that_fails_each_time_is_no_difference_but_worth_another_try_later(
    reason: str, error: dict[str, int]
) -> None:
    script = Script().failed(reason, **error)
    for _ in athena.PAUSES:
        script.start().failed(reason, **error)
    with pytest.raises(StorageUnavailable, match=f"q3 failed at every try: {reason}.*try again later"):
        script.run()
    script.stubber.assert_no_pending_responses()


def test_a_query_is_not_run_again_when_its_time_is_over(pauses: list[float]) -> None:
    with pytest.raises(StorageUnavailable, match="q1 failed"):
        Script().failed(REPLACED).run(timeout=athena.PAUSES[0] / 2)
    assert pauses == []


@pytest.mark.parametrize(
    ("error", "raised", "words"),
    [
        (1500, PermissionDenied, "infra/terraform/policies"),
        (1501, PermissionDenied, "infra/terraform/policies"),
        (1006, ContractViolation, "deploy again"),
        (1110, ContractViolation, "deploy again"),
        (1303, ContractViolation, "deploy again"),
    ],
)
def test_a_query_that_cannot_succeed_is_not_run_again(error: int, raised: type[MarketlakeError], words: str) -> None:
    with pytest.raises(raised, match=f"q1.*as Athena says.*{words}"):
        Script().failed("as Athena says", ErrorCategory=2, ErrorType=error).run()


def test_a_cancelled_query_is_worth_another_try() -> None:
    with pytest.raises(StorageUnavailable, match="q1 was cancelled: by hand"):
        Script().state("CANCELLED", StateChangeReason="by hand").run()


def test_a_query_that_does_not_end_is_stopped_and_reported() -> None:
    script = Script().state("RUNNING")
    script.stubber.add_response("stop_query_execution", {}, {"QueryExecutionId": "q1"})
    with pytest.raises(StorageUnavailable, match="q1 was still RUNNING"):
        script.run(timeout=-1)
    script.stubber.assert_no_pending_responses()


def test_polls_come_ever_more_seldom(pauses: list[float]) -> None:
    script = Script()
    for _ in range(12):
        script.state("RUNNING")
    script.state("SUCCEEDED").rows([["n"]]).run()
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (athena.FIRST_POLL_SECONDS, athena.LAST_POLL_SECONDS)


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [
        ("AccessDeniedException", 400, PermissionDenied),
        ("TooManyRequestsException", 400, StorageUnavailable),
        ("InternalServerException", 500, StorageUnavailable),
    ],
)
def test_an_error_of_the_api_is_one_of_ours(code: str, status: int, raised: type[MarketlakeError]) -> None:
    client = boto3.client("athena", region_name=REGION)
    stubber = Stubber(client)
    stubber.add_client_error("start_query_execution", code, "m", http_status_code=status)
    with stubber, pytest.raises(raised, match="athena:StartQueryExecution in wg"):
        run_query(client, "wg", "db", "SELECT 1", 1)
