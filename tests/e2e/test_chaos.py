"""Each kind of fault comes out as the error that it should; what is called is real, the fault is injected."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from athena_check.athena import PAUSES, run_query
from infra.faults.injector import Switch
from marketlake.errors import StorageUnavailable
from tests.e2e.pipeline import Pipeline

ATTEMPTS, SERVICE_ATTEMPTS = 4, 7
"""One and the retries of statemachine/parameters.json: for our transient errors, and for Lambda's own."""

SDK_ATTEMPTS = 4
"""In ``marketlake.aws``."""

QUERIES = len(PAUSES) + 1
"""How often AthenaCheck runs a query that fails."""

THROTTLED = {"kind": "status", "status": 429, "match": "/(ecb|frankfurter)/"}
"""An execution that fails, so that there is something to send."""

On = Callable[..., Switch]


@pytest.fixture
def on(pipeline: Pipeline) -> On:
    """Turns one fault on, at a surface."""
    return lambda surface, **fault: pipeline.inject({"surface": surface, **fault})


def rates_of(day: str) -> dict[str, Any]:
    return {"datasets": ["fx_rates"], "start": day, "end": day, "force": True}


FUNCTION_FAULTS: list[tuple[dict[str, Any], str, int]] = [
    ({"kind": "crash"}, "Runtime.ExitError", ATTEMPTS),
    ({"kind": "crash", "seconds": 60}, "Runtime.ExitError", ATTEMPTS),  # it is done first, and dies before it answers
    ({"kind": "out_of_memory"}, "Runtime.OutOfMemory", ATTEMPTS),
    ({"kind": "timeout", "seconds": 1}, "Sandbox.Timedout", ATTEMPTS),
    ({"kind": "abandoned", "seconds": 0.1}, "Timeout", ATTEMPTS),
    ({"kind": "throttle"}, "Lambda.TooManyRequestsException", SERVICE_ATTEMPTS),
]


@pytest.mark.parametrize(("fault", "error", "attempts"), FUNCTION_FAULTS, ids=lambda value: str(value))
def test_a_function_that_fails_is_tried_again_and_named(
    pipeline: Pipeline, on: On, fault: dict[str, Any], error: str, attempts: int
) -> None:
    switch = on("lambda", match="plan", **fault)
    outcome = pipeline.run(rates_of("2013-03-01"))
    assert (outcome.status, outcome.error) == ("FAILED", error)
    assert switch.injected() == {("lambda", fault["kind"]): attempts}
    scheduled = [
        event["taskScheduledEventDetails"]
        for event in pipeline.history(outcome.name)
        if event["type"] == "TaskScheduled"
    ]
    assert all("parameters" in details for details in scheduled)
    (mail,) = pipeline.messages("mailbox")
    assert error in mail["Subject"]
    switch.off()
    assert pipeline.run(rates_of("2013-03-01")).status == "SUCCEEDED"


@pytest.mark.parametrize("kind", ["internal_error", "slow_down"])
def test_s3_that_fails_is_asked_again_by_the_sdk_and_then_an_error(pipeline: Pipeline, on: On, kind: str) -> None:
    switch = on("s3", kind=kind, match=r"^GET /marketlake-clean-.*markers")
    task = {"execution": "test", "state": "Plan", "retry": 0}
    event = {"task": task, "input": rates_of("2013-03-04") | {"force": False}, "started": "2026-11-02T18:00:00Z"}
    answer = pipeline.aws("lambda").invoke(FunctionName="marketlake-plan", Payload=json.dumps(event))
    assert json.load(answer["Payload"])["errorType"] == "StorageUnavailable"
    assert switch.injected() == {("s3", kind): SDK_ATTEMPTS}


def test_a_write_whose_answer_is_lost_is_made_once(pipeline: Pipeline, on: On) -> None:
    switch = on("s3", share=0.5, kind="lost_answer", match=r"^PUT .*/markers/fx_rates/dt=2013-04")
    outcome = pipeline.run({"datasets": ["fx_rates"], "start": "2013-04-08", "end": "2013-04-12"})
    assert outcome.status == "SUCCEEDED", outcome
    assert switch.injected()["s3", "lost_answer"] > 0
    keys = pipeline.etags("clean_bucket", "markers/fx_rates/dt=2013-04")
    assert len(keys) == 5
    assert [json.loads(pipeline.body("clean_bucket", key))["history"] for key in keys] == [[]] * 5


@pytest.mark.parametrize(("condition", "day"), [("if-match", "2013-04-16"), ("if-none-match", "2013-04-17")])
def test_a_write_that_s3_did_not_decide_about_is_made_again(
    pipeline: Pipeline, on: On, condition: str, day: str
) -> None:
    assert pipeline.run(rates_of("2013-04-15")).status == "SUCCEEDED"  # so that there is a year to be replaced
    switch = on("s3", kind="conflict", match=f"/(by_year|markers)/.* {condition}$", times=3)
    outcome = pipeline.run(rates_of(day))
    assert outcome.status == "SUCCEEDED", outcome
    assert switch.injected() == {("s3", "conflict"): 3}
    assert json.loads(pipeline.body("clean_bucket", f"markers/fx_rates/dt={day}.json"))["history"] == []


def test_s3_that_is_slow_is_waited_for_and_a_person_is_spared(pipeline: Pipeline, on: On) -> None:
    switch = on("s3", kind="slow", seconds=0.2, match="dt=2013-05-02")
    assert pipeline.run(rates_of("2013-05-02")).status == "SUCCEEDED"
    count = switch.injected()["s3", "slow"]
    assert count > 0
    pipeline.etags("clean_bucket", "clean/fx_rates/dt=2013-05-02")
    assert switch.injected()["s3", "slow"] == count


@pytest.mark.parametrize(
    ("fault", "error", "queries"),
    [
        ({"kind": "failed", "category": 1}, "StorageUnavailable", ATTEMPTS * QUERIES),
        ({"kind": "replaced"}, "StorageUnavailable", ATTEMPTS * QUERIES),
        ({"kind": "failed", "category": 2}, "PermissionDenied", 1),
    ],
    ids=str,
)
def test_a_query_that_fails_is_an_error_by_what_can_be_done(
    pipeline: Pipeline, on: On, fault: dict[str, Any], error: str, queries: int
) -> None:
    switch = on("athena", **fault)
    outcome = pipeline.run(rates_of("2013-06-03"))
    assert (outcome.status, outcome.error) == ("FAILED", error)
    assert switch.injected().total() == queries
    (message,) = pipeline.messages("dlq")
    assert message["failure"]["AthenaCheck"]["Error"] == error


def test_a_file_that_is_replaced_while_a_query_reads_it_costs_another_query(pipeline: Pipeline, on: On) -> None:
    switch = on("athena", kind="replaced", times=QUERIES - 1)
    outcome = pipeline.run(rates_of("2013-06-04"))
    assert outcome.status == "SUCCEEDED", outcome
    assert switch.injected() == {("athena", "replaced"): QUERIES - 1}
    retries = [event["type"] for event in pipeline.history(outcome.name) if event["type"].endswith("Failed")]
    assert retries == []


def test_a_query_that_stays_queued_is_stopped(pipeline: Pipeline, on: On) -> None:
    on("athena", kind="queued", seconds=600)
    athena = pipeline.aws("athena")
    with pytest.raises(StorageUnavailable, match="still QUEUED"):
        run_query(athena, pipeline.name("workgroup"), pipeline.name("database"), "SELECT 1", timeout=0.2)
    newest = athena.list_query_executions(WorkGroup=pipeline.name("workgroup"))["QueryExecutionIds"]
    states = [athena.get_query_execution(QueryExecutionId=query)["QueryExecution"] for query in newest]
    (query,) = [query for query in states if query["Query"] == "SELECT 1"]
    assert query["Status"]["State"] == "CANCELLED"


def test_a_queue_that_refuses_leaves_the_payload_in_report_and_history(pipeline: Pipeline) -> None:
    switch = pipeline.inject(THROTTLED, {"surface": "sqs", "kind": "refused"})
    outcome = pipeline.run(rates_of("2013-07-01"))
    assert outcome.status == "FAILED"
    assert switch.injected()["sqs", "refused"] == ATTEMPTS
    assert pipeline.messages("dlq") == []
    report = json.loads(pipeline.body("clean_bucket", f"reports/{outcome.name}.json"))
    failures = {failure["state"]: failure for failure in report["failures"]}
    assert {state: failure["error"] for state, failure in failures.items()} == {
        "Fetch": "UpstreamThrottled",
        "SendToDlq": "SQS.AmazonSQSException",
    }
    assert failures["SendToDlq"]["input"] == rates_of("2013-07-01")
    assert "SQS.AmazonSQSException" in json.dumps(pipeline.history(outcome.name), default=str)


def test_a_topic_that_refuses_does_not_make_a_success_of_a_failure(pipeline: Pipeline) -> None:
    switch = pipeline.inject(THROTTLED, {"surface": "sns", "kind": "refused"})
    outcome = pipeline.run(rates_of("2013-08-01"))
    assert (outcome.status, outcome.error) == ("FAILED", "UpstreamThrottled")
    assert switch.injected()["sns", "refused"] == ATTEMPTS
    assert pipeline.messages("mailbox") == []


def test_sources_fail_by_chance_too(pipeline: Pipeline, on: On) -> None:
    switch = on("upstream", kind="status", status=503, match="/(ecb|frankfurter)/")
    outcome = pipeline.run(rates_of("2013-09-02"))
    assert (outcome.status, outcome.error) == ("FAILED", "UpstreamUnavailable")
    assert switch.injected() == {("upstream", "status 503"): 2 * ATTEMPTS}, "the ECB, and Frankfurter in its place"


WRONG_ROWS: dict[str, tuple[str, Callable[[list[float]], list[float]]]] = {
    "AZN.L": ("nan_bar", lambda closes: closes[:-1]),
    "BARC.L": ("no_currency", lambda _: []),
    "BP.L": ("scale100", lambda closes: closes[:-1]),
    "GSK.L": ("stale", lambda closes: closes[:-1]),
    "HSBA.L": ("pence_for_pounds", lambda closes: [100 * close for close in closes]),
    "LLOY.L": ("shuffle", lambda closes: closes),
    "TSCO.L": ("", lambda closes: closes),
}
"""Symbol to a fault in its answers, and what its closes are afterwards: the table in docs/chaos.md."""


def test_wrong_rows_leave_another_lake_behind_and_so_are_not_in_the_storm(pipeline: Pipeline) -> None:
    days = {"datasets": ["ftse100_prices"], "start": "2013-10-07", "end": "2013-10-11"}

    def closes() -> dict[str, list[float]]:
        rows = pipeline.query(
            "SELECT ticker, close FROM ftse100_prices WHERE dt BETWEEN '2013-10-07' AND '2013-10-11' ORDER BY dt"
        )
        found: dict[str, list[float]] = {symbol: [] for symbol in WRONG_ROWS}
        for ticker, close in rows:
            if ticker in WRONG_ROWS:
                found[ticker].append(float(close or "nan"))
        return found

    rules = [{"kind": kind, "match": f"chart/{symbol}"} for symbol, (kind, _) in WRONG_ROWS.items() if kind]
    switch = pipeline.inject(*rules)
    outcome = pipeline.run(days)
    assert outcome.status == "SUCCEEDED", outcome
    assert {kind for _, kind in switch.injected()} == {kind for kind, _ in WRONG_ROWS.values() if kind}
    wrong = closes()
    pipeline.inject()
    assert pipeline.run({**days, "force": True}).status == "SUCCEEDED"
    calm = closes()
    assert wrong == {symbol: pytest.approx(change(calm[symbol])) for symbol, (_, change) in WRONG_ROWS.items()}
    # What was good once stays when its row comes wrong; only a value that looks right takes its place.
    pipeline.inject(*rules)
    assert pipeline.run({**days, "force": True}).status == "SUCCEEDED"
    kept = {symbol: closes_of if symbol != "HSBA.L" else wrong[symbol] for symbol, closes_of in calm.items()}
    assert closes() == {symbol: pytest.approx(values) for symbol, values in kept.items()}
