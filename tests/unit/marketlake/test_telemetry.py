from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from marketlake.errors import (
    MAX_MESSAGE_BYTES,
    ContractViolation,
    DataQualityError,
    MarketlakeError,
    UnexpectedError,
    UpstreamThrottled,
)
from marketlake.messages import Fetched, FetchEvent
from marketlake.telemetry import Event, count, logger, task
from tests.unit.lake import Context, task_of

Run = Callable[..., Event]
EVENT: Event = {"task": task_of("Fetch", execution="run-7", index=3, retry=1)}


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a task, as a service named after the test: a logger writes to the stdout that was there when it was made."""
    service = request.node.name

    def run_task(error: BaseException | None = None, event: Event = EVENT) -> Event:
        @task(service, dict)
        def handler(event: Event) -> Event:
            logger(service).info("at work")
            if error:
                raise error
            return {"seen": event}

        context: Any = Context()
        return handler(event, context)

    return run_task


def log_lines(captured: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in captured.splitlines() if line.startswith("{")]


def test_a_result_is_handed_on(run: Run) -> None:
    assert run() == {"seen": EVENT}


@pytest.mark.parametrize("cls", [UpstreamThrottled, DataQualityError])
def test_an_error_of_ours_leaves_as_it_is(run: Run, cls: type[MarketlakeError]) -> None:
    with pytest.raises(cls) as caught:
        run(cls("x " * 1000))
    assert type(caught.value) is cls
    assert len(str(caught.value)) <= MAX_MESSAGE_BYTES


@pytest.mark.parametrize("error", [KeyError("day"), ZeroDivisionError("by zero"), RuntimeError("y" * 5000), OSError(5)])
def test_any_other_error_leaves_as_unexpected_with_its_class_in_the_message(run: Run, error: Exception) -> None:
    with pytest.raises(UnexpectedError, match=f"^{type(error).__name__}: ") as caught:
        run(error)
    assert type(caught.value) is UnexpectedError
    assert len(str(caught.value)) <= MAX_MESSAGE_BYTES


@pytest.mark.parametrize("event", [{}, {"task": "Fetch"}, {**EVENT, "batch": {"dataset": "fx_rates"}}])
def test_an_event_of_another_shape_is_refused_before_the_function_runs(event: Event) -> None:
    @task("shapes", FetchEvent)
    def handler(event: FetchEvent) -> Fetched:
        raise AssertionError(event)

    context: Any = Context()
    with pytest.raises(ContractViolation, match=r"^the event is not a FetchEvent: .*; deploy again"):
        handler(event, context)


def test_an_answer_leaves_as_a_document() -> None:
    @task("shapes", dict)
    def handler(_: dict[str, Any]) -> Fetched:
        return Fetched(["2023-01-03"], 1)

    context: Any = Context()
    fields = {"days": ["2023-01-03"], "stored": 1, "late": [], "holes": [], "before": False, "missing_symbols": []}
    assert handler(EVENT, context) == fields


@pytest.mark.parametrize("error", [DataQualityError("bad"), KeyError("day")])
def test_the_trace_that_travels_is_short(run: Run, error: Exception) -> None:
    with pytest.raises(MarketlakeError) as caught:
        run(error)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    # What Lambda's runtime client puts in stackTrace: the frame of the handler alone (and this test's own).
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert frames[-1] == "handler"
    assert len(frames) <= 3


def test_log_lines_carry_execution_state_batch_and_retry(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run()
    (line,) = log_lines(capsys.readouterr().out)
    assert line["message"] == "at work"
    assert line["correlation_id"] == "run-7"
    assert (line["state"], line["batch"], line["retry"]) == ("Fetch", 3, 1)
    assert line["function_request_id"] == "request-1"


def test_a_failure_is_logged_with_its_whole_trace(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnexpectedError):
        run(KeyError("day"))
    _, failed = log_lines(capsys.readouterr().out)
    assert failed["level"] == "ERROR"
    assert (failed["correlation_id"], failed["error"], failed["exception_name"]) == ("run-7", "KeyError", "KeyError")
    assert "raise error" in failed["exception"]


def test_the_next_invocation_says_nothing_of_the_one_before(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run()
    capsys.readouterr()
    run(event={"task": {"execution": "run-8", "state": "Report", "retry": 0}})
    (line,) = log_lines(capsys.readouterr().out)
    assert (line["correlation_id"], line["state"]) == ("run-8", "Report")
    assert line.get("batch") is None


def test_a_metric_is_one_emf_document_of_the_stack_over_all_datasets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "team-2-lake")
    count("RowsWritten", 5, "fx_rates")
    (line,) = log_lines(capsys.readouterr().out)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "marketlake"
    assert directive["Metrics"] == [{"Name": "RowsWritten", "Unit": "Count"}]
    assert directive["Dimensions"] == [["service"]]
    assert (line["RowsWritten"], line["service"], line["dataset"]) == ([5.0], "team-2-lake", "fx_rates")
