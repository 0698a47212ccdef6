"""The buckets' lifecycle rules, read from the Terraform configuration and carried out at each object's age."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.facts import ROOT
from tests.timelapse.objects import MemoryS3

TERRAFORM = ROOT / "infra" / "terraform"

LIST = re.compile(r" +(\w+) = .*\[(?: #.*)?$")
JOINED = re.compile(r" +(\w+) = concat\(local\.(\w+), \[$")
RULE = re.compile(r'\{ id = "([\w-]+)", prefix = "([^"]*)", days = var\.(\w+)(?: \+ (\d+))? \}')
VARIABLE = re.compile(r'^variable "(\w+)" \{.*?^  default\s+= ([^\n]+)$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Rule:
    """Objects of ``bucket`` (as the configuration calls it) below ``prefix`` are removed after ``days`` days."""

    id: str
    bucket: str
    prefix: str
    days: int


def expiry_rules(divided_by: int = 1) -> list[Rule]:
    """The rules as deployed by default, those that keep for ever (0 days) left out; days divided, rounded up."""
    days = default_days()
    found = [
        Rule(rule, bucket, prefix, -(-(days[variable] + more) // divided_by))
        for bucket, rule, prefix, variable, more in _written_rules()
        if days[variable]
    ]
    assert {"raw", "clean"} <= {rule.bucket for rule in found}, (
        "lifecycle.tf is written in another way than is read here"
    )
    return found


def default_days() -> dict[str, int]:
    """Default of each variable that is a whole number."""
    texts = {
        name: text.strip()
        for path in sorted(TERRAFORM.glob("variables*.tf"))
        for name, text in VARIABLE.findall(path.read_text("utf-8"))
    }
    return {name: int(text) for name, text in texts.items() if text.isdigit()}


def _written_rules() -> Iterator[tuple[str, str, str, str, int]]:
    """Bucket, id, prefix, variable, and days more than its value."""
    lines = (TERRAFORM / "lifecycle.tf").read_text("utf-8").splitlines()
    # A list of its own that a bucket's list begins with.
    buckets = {found[2]: found[1] for line in lines if (found := JOINED.match(line))}
    name = ""
    for line in lines:
        if found := LIST.match(line):
            name = found[1]
        if found := RULE.search(line):
            yield buckets.get(name, name), found[1], found[2], found[3], int(found[4] or 0)


def carry_out(rules: list[Rule], s3: MemoryS3, names: dict[str, str], now: datetime) -> list[tuple[Rule, str]]:
    """Remove what is old enough at ``now``; returns what was removed. ``names`` are the buckets' own names.

    An object is removed at the midnight after its age has reached the days of the rule
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html).
    """
    removed = []
    for rule in rules:
        bucket = names[f"{rule.bucket}_bucket"]
        for key, written in s3.written(bucket, rule.prefix):
            if (written + timedelta(days=rule.days + 1)).date() <= now.date():
                s3.remove(bucket, key)
                removed.append((rule, key))
    return removed
