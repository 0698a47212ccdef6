"""The data files that Terraform and the embedded AWS share, read and rendered the same way for both.

Templates hold ``${name}`` placeholders only, which Terraform's ``templatefile`` and ``render`` treat alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ROOT / "functions"
POLICIES = ROOT / "infra" / "terraform" / "policies"
DEFINITION = ROOT / "statemachine" / "pipeline.asl.json"
INTERRUPTED = ROOT / "statemachine" / "interrupted.json"

PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def render(template: str, values: Mapping[str, object]) -> str:
    """``template`` with each ``${name}`` replaced.

    Raises:
        KeyError: a name has no value.
    """
    return PLACEHOLDER.sub(lambda found: str(values[found[1]]), template)


def functions_document(values: Mapping[str, object]) -> dict[str, Any]:
    """``functions.json`` with the environment rendered."""
    document: dict[str, Any] = json.loads(render((FUNCTIONS / "functions.json").read_text("utf-8"), values))
    return document


def function_names() -> list[str]:
    """The functions of the pipeline, in the order of ``functions.json``."""
    return list(json.loads((FUNCTIONS / "functions.json").read_text("utf-8"))["functions"])


def names(prefix: str, account_id: str, region: str) -> dict[str, str]:
    """Names of all resources, from ``names.json.tftpl``."""
    text = (ROOT / "infra" / "terraform" / "names.json.tftpl").read_text("utf-8")
    values = {"prefix": prefix, "account_id": account_id, "region": region, "database": prefix.replace("-", "_")}
    rendered: dict[str, str] = json.loads(render(text, values))
    return rendered


def function_name(prefix: str, function: str) -> str:
    """Name of the deployed ``function``: underscores become dashes."""
    return f"{prefix}-{function.replace('_', '-')}"


def parameters() -> dict[str, Any]:
    """``statemachine/parameters.json``: the defaults of what a deployment may set."""
    document: dict[str, Any] = json.loads((ROOT / "statemachine" / "parameters.json").read_text("utf-8"))
    return document


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
        "state_machine_arn": arn.format("states", f"stateMachine:{named['state_machine']}"),
        "dlq_arn": arn.format("sqs", named["dlq"]),
        "topic_arn": arn.format("sns", named["topic"]),
        "athena_queries_arn": arn.format("athena", f"workgroup/{named['workgroup']}"),
    }
    timeouts = json.loads((FUNCTIONS / "functions.json").read_text("utf-8"))["functions"]
    for function, facts in timeouts.items():
        values[f"{function}_function_arn"] = arn.format("lambda", f"function:{function_name(prefix, function)}")
        values[f"{function}_task_timeout"] = facts["timeout_seconds"] + int(str(values["task_timeout_margin_seconds"]))
    return values


def definition(values: Mapping[str, object]) -> str:
    """The state machine's definition, rendered; ``values`` need ``dlq_url`` too.

    Raises:
        KeyError: a placeholder has no value.
    """
    return render(DEFINITION.read_text("utf-8"), values)


def interrupted(values: Mapping[str, object]) -> dict[str, Any]:
    """The rule about executions that no Catch sees the end of: event pattern, paths of its words, lines of the mail.

    ``values`` need ``operator_command`` too: how the ``marketlake`` command is called for this deployment.
    """
    document: dict[str, Any] = json.loads(render(INTERRUPTED.read_text("utf-8"), values))
    return document


def policy(role: str, values: Mapping[str, object]) -> str:
    """The IAM policy of ``role`` (a function, ``state_machine``, ...), rendered."""
    return render((POLICIES / f"{role}.json.tftpl").read_text("utf-8"), values)
