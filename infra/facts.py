"""The data files that Terraform and the local AWS emulator share, read and rendered the same way for both.

Templates hold ``${name}`` placeholders only, which Terraform's ``templatefile`` and ``render`` treat alike.
``python -m infra.facts`` writes the file among them that is made from code: ``statemachine/retry.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from marketlake.errors import RetryPolicy, TransientError, retried_errors
from marketlake.reader.shipped import names as names  # noqa: PLC0414 - others have it from here
from marketlake.reader.shipped import render as render  # noqa: PLC0414

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ROOT / "functions"
POLICIES = ROOT / "infra" / "terraform" / "policies"
DEFINITION = ROOT / "statemachine" / "pipeline.asl.json"
PARAMETERS = ROOT / "statemachine" / "parameters.json"
RETRY = ROOT / "statemachine" / "retry.json"
CATCH = ROOT / "statemachine" / "catch.json"
TASK = ROOT / "statemachine" / "task.json"
INTERRUPTED = ROOT / "statemachine" / "interrupted.json"


def functions_file() -> dict[str, Any]:
    """``functions.json`` as it is, its placeholders not rendered."""
    return msgspec.json.decode((FUNCTIONS / "functions.json").read_bytes(), type=dict[str, Any])


def functions_document(values: Mapping[str, object]) -> dict[str, Any]:
    """``functions.json`` with the environment rendered."""
    text = render((FUNCTIONS / "functions.json").read_text("utf-8"), values)
    return msgspec.json.decode(text, type=dict[str, Any])


def function_names() -> list[str]:
    """The functions of the pipeline, in the order of ``functions.json``."""
    return list(functions_file()["functions"])


def function_name(prefix: str, function: str) -> str:
    """Name of the deployed ``function``: underscores become dashes."""
    return f"{prefix}-{function.replace('_', '-')}"


def memory_mb(function: Mapping[str, Any], lines: int) -> int:
    """Memory of a function of ``functions.json`` where the longest list in force has so many ``lines``.

    ``memory_mb`` is enough for 1,000; ``memory_mb_per_1000`` is added for each further thousand that is begun.
    ``functions.tf`` computes the same.
    """
    further = max(0, -(-lines // 1000) - 1)
    return int(function["memory_mb"]) + int(function.get("memory_mb_per_1000", 0)) * further


def parameters() -> dict[str, Any]:
    """``statemachine/parameters.json``: the defaults of what a deployment may set."""
    return msgspec.json.decode(PARAMETERS.read_bytes(), type=dict[str, Any])


def template_values(prefix: str, account_id: str, region: str, **overrides: object) -> dict[str, object]:
    """Values of every placeholder in ``functions.json``, the definition and the policies of a deployment.

    ``overrides`` replace parameters by name; policies also need ``log_group_arn``, which differs by function.
    """
    named = names(prefix, account_id, region)
    arn = f"arn:aws:{{}}:{region}:{account_id}:{{}}"
    values: dict[str, object] = {
        **parameters(),
        **named,
        **overrides,
        "prefix": prefix,
        "partition": "aws",
        "region": region,
        "account_id": account_id,
        "operator_command": f"marketlake --region {region} --prefix {prefix}",
        "state_machine_arn": arn.format("states", f"stateMachine:{named['state_machine']}"),
        "dlq_arn": arn.format("sqs", named["dlq"]),
        "topic_arn": arn.format("sns", named["topic"]),
        "athena_queries_arn": arn.format("athena", f"workgroup/{named['workgroup']}"),
    }
    for function, facts in functions_file()["functions"].items():
        values[f"{function}_function_arn"] = arn.format("lambda", f"function:{function_name(prefix, function)}")
        values[f"{function}_task_timeout"] = facts["timeout_seconds"] + int(str(values["task_timeout_margin_seconds"]))
    return values


def definition(values: Mapping[str, object]) -> str:
    """The state machine's definition, rendered; ``values`` need ``dlq_url`` too.

    Raises:
        KeyError: a placeholder has no value.
    """
    catches = {f"catch_{state}": json.dumps(catchers) for state, catchers in catch().items()}
    tasks = {kind: json.dumps(task) for kind, task in json.loads(TASK.read_text("utf-8")).items()}
    return render(DEFINITION.read_text("utf-8"), {**values, **retry_lists(values), **catches, **tasks})


def retry_lists(values: Mapping[str, object]) -> dict[str, str]:
    """The values of the placeholders ``retry_function`` and ``retry_message``."""
    return {f"retry_{kind}": json.dumps(retriers) for kind, retriers in retry(values).items()}


def retry(values: Mapping[str, object]) -> dict[str, list[dict[str, Any]]]:
    """The Retry lists of the definition, rendered: ``function`` of its Lambda states, ``message`` of the others.

    Raises:
        KeyError: a placeholder has no value.
    """
    return msgspec.json.decode(render(RETRY.read_text("utf-8"), values), type=dict[str, list[dict[str, Any]]])


def catch() -> dict[str, list[dict[str, Any]]]:
    """The Catch lists of the definition, by state; ``catch.json`` has what all catchers of a state have in common.

    Every error is caught by two: ``States.ALL`` stands alone, and does not match ``States.DataLimitExceeded``
    (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
    """
    return {
        state: [{"ErrorEquals": [error], **catcher} for error in ("States.DataLimitExceeded", "States.ALL")]
        for state, catcher in msgspec.json.decode(CATCH.read_bytes(), type=dict[str, dict[str, str]]).items()
    }


def retry_template() -> str:
    """``retry.json`` as the errors and their policies in ``marketlake.errors`` make it."""
    functions = [_retrier(names, policy) for policy, names in retried_errors().items()]
    document = {"function": functions, "message": [_retrier(["States.ALL"], TransientError.retry)]}
    # Numbers: a placeholder is not quoted.
    return re.sub(r'"(\$\{\w+\})"', r"\1", json.dumps(document, indent=2)) + "\n"


def _retrier(errors: Sequence[str], policy: RetryPolicy) -> dict[str, object]:
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": f"${{{policy.interval_seconds}}}",
        "BackoffRate": f"${{{policy.backoff_rate}}}",
        "MaxAttempts": f"${{{policy.max_attempts}}}",
        "MaxDelaySeconds": f"${{{policy.max_delay_seconds}}}",
        "JitterStrategy": policy.jitter,
    }


def attempts_of(error: str) -> int:
    """How often a function was called that was given up with ``error``, by the shipped parameters.

    Once more than its error's retrier calls again; once for an error that no retrier names.
    """
    retries = (int(one["MaxAttempts"]) for one in retry(parameters())["function"] if error in one["ErrorEquals"])
    return 1 + next(retries, 0)


def interrupted(values: Mapping[str, object]) -> dict[str, Any]:
    """What mails about executions that no Catch sees the end of: the rule's event pattern, the machine's definition.

    Raises:
        KeyError: a placeholder has no value.
    """
    text = render(INTERRUPTED.read_text("utf-8"), {**values, **retry_lists(values)})
    return msgspec.json.decode(text, type=dict[str, Any])


def queue_of_topic_policy(queue_arn: str, topic_arn: str) -> str:
    """The policy of a queue that subscribes to a topic: that topic may send to it.

    https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
    """
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def policy(role: str, values: Mapping[str, object]) -> str:
    """The IAM policy of ``role`` (a function, ``state_machine``, ...), rendered; ``iam.tf`` joins the files as here."""
    files = [role, "every_function"] if role in function_names() else [role]
    documents = [json.loads(render((POLICIES / f"{file}.json.tftpl").read_text("utf-8"), values)) for file in files]
    statements = [statement for document in documents for statement in document["Statement"]]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


if __name__ == "__main__":
    RETRY.write_text(retry_template(), "utf-8")
