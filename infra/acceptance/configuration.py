"""What is configured, as the services have it: plan, schedules, alarms, lifecycle, roles, cost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from botocore.exceptions import ClientError

from infra import facts
from infra.acceptance.listener import listening
from infra.acceptance.stage import Broken, NotTried, Stage
from infra.cost.month import quantities
from infra.cost.prices import assumed, bill
from infra.cost.recorded import used_by
from infra.local import deploy

EMULATOR_ALTERS = ("aws_cloudwatch_metric_alarm", "aws_cloudtrail", "aws_sfn_state_machine", "aws_s3_object")
"""What a second plan changes on the emulator, which does not give back what was sent: alarms' tags and some defaults,
the trail's log group, the state machine's tracing, tags of what goes up in parts. On AWS a second plan is empty."""

MADE_BY_UP = "`marketlake up` makes none on the emulator"


def no_changes(stage: Stage) -> str:
    """What a deployment would change now: nothing."""
    local = stage.target.local
    if local and (local.root / "deployed").is_file():
        if not deploy.is_of_these_sources(local):
            raise Broken("deployed from other sources than those here", "marketlake up")
        return "deployed from the sources as they are here"
    folder = stage.configuration
    if shutil.which("terraform") is None or not (folder / ".terraform").is_dir():
        raise NotTried(
            f"Terraform is not set up in {folder}", "run it where `make deploy` ran, or say: --terraform DIR"
        )
    planned = _planned(folder, _credentials(stage))
    changed = [address for address in planned if not (local and address.partition(".")[0] in EMULATOR_ALTERS)]
    if changed:
        more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
        raise Broken(f"a plan changes {', '.join(changed[:5])}{more}", "look at it with: make plan; then: make deploy")
    return "a plan changes nothing"


def _credentials(stage: Stage) -> dict[str, str]:
    """Those of the command, as Terraform takes them."""
    found = stage.target.session.get_credentials()
    if found is None:
        return {}
    frozen = found.get_frozen_credentials()
    given = {
        "AWS_ACCESS_KEY_ID": frozen.access_key,
        "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
        "AWS_SESSION_TOKEN": frozen.token,
    }
    return {name: value for name, value in given.items() if value}


def _planned(folder: Path, credentials: dict[str, str]) -> list[str]:
    """Addresses of what a plan would change.

    Raises:
        NotTried: Terraform could not make one.
    """
    given = folder.parents[1] / "terraform.tfvars"
    variables = [f"-var-file={given}"] if given.is_file() else []
    environment = {**os.environ, **credentials, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    command = ["terraform", f"-chdir={folder}", "plan", "-json", "-input=false", "-lock=false", *variables]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    errors = [line["@message"] for line in lines if line.get("@level") == "error"]
    if done.returncode or errors:
        raise NotTried(f"terraform plan failed: {' '.join(errors) or done.stderr[-300:]}", "make it run: make plan")
    return [line["change"]["resource"]["addr"] for line in lines if line.get("type") == "planned_change"]


def schedules(stage: Stage) -> str:
    """The schedules start this state machine, with their own time, and keep what they could not start."""
    found = [each for name in ("schedule", "morning_schedule") if (each := _schedule(stage, stage.target.names[name]))]
    if not found and stage.target.is_local:
        raise NotTried(f"there is no schedule; {MADE_BY_UP}", "try it on a stack that Terraform made")
    if not found:
        raise Broken("there is no schedule", "make deploy")
    wrong = [text for schedule in found for text in _wrong_schedule(stage, schedule)]
    if wrong:
        raise Broken("; ".join(wrong), "make deploy")
    if off := [one["Name"] for one in found if one["State"] != "ENABLED"]:
        raise NotTried(f"{', '.join(off)} is off", "to have it run: schedule_enabled = true, then make deploy")
    return "; ".join(f"{one['Name']}: {one['ScheduleExpression']} {one['ScheduleExpressionTimezone']}" for one in found)


def _schedule(stage: Stage, name: str) -> dict[str, Any] | None:
    try:
        return cast("dict[str, Any]", stage.target.scheduler.get_schedule(Name=name))
    except stage.target.scheduler.exceptions.ResourceNotFoundException:
        return None


def _wrong_schedule(stage: Stage, schedule: dict[str, Any]) -> Iterator[str]:
    name, target = schedule["Name"], schedule["Target"]
    if target["Arn"] != stage.target.state_machine_arn:
        yield f"{name} starts {target['Arn']}"
    if not stage.target.is_local and "<aws.scheduler.scheduled-time>" not in target.get("Input", ""):
        yield f"{name} does not hand its time on"
    if target.get("DeadLetterConfig", {}).get("Arn") != stage.target.arn("sqs", stage.target.names["dlq"]):
        yield f"{name} does not keep what it could not start"


def subscription(stage: Stage) -> str:
    """Somebody gets the mails: AWS sends none before the address has confirmed, and says so nowhere."""
    topic = stage.target.arn("sns", stage.target.names["topic"])
    pages = stage.target.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    found = [one for page in pages for one in page["Subscriptions"]]
    confirmed = [one["Endpoint"] for one in found if one["SubscriptionArn"].startswith("arn:")]
    if not confirmed:
        pending = " and ".join(f"{one['Endpoint']} has not confirmed" for one in found)
        raise Broken(
            f"nobody gets mails: {pending or 'nobody is subscribed'}",
            "open the link in AWS's mail Subscription Confirmation; SNS console, Request confirmation, sends it again",
        )
    return f"mails go to {', '.join(confirmed)}"


def alarms(stage: Stage) -> str:
    """Every alarm mails the topic, and one that is set off really does."""
    pages = stage.target.cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{stage.target.prefix}-")
    found = cast("list[dict[str, Any]]", [alarm for page in pages for alarm in page["MetricAlarms"]])
    if not found and stage.target.is_local:
        raise NotTried(f"there is no alarm; {MADE_BY_UP}", "try it on a stack that Terraform made")
    topic = stage.target.arn("sns", stage.target.names["topic"])
    silent = [alarm["AlarmName"] for alarm in found if topic not in alarm.get("AlarmActions", [])]
    disabled = [alarm["AlarmName"] for alarm in found if not alarm.get("ActionsEnabled", True)]
    if not found or silent:
        raise Broken(f"no mail is sent by: {', '.join(silent) or 'any alarm, for there are no alarms'}", "make deploy")
    active = [alarm for alarm in found if alarm["AlarmName"] not in disabled and alarm["StateValue"] != "ALARM"]
    if not active:
        raise NotTried("every alarm is off, or in alarm already", "look at them: CloudWatch, Alarms")
    _set_off(stage, active[0]["AlarmName"], active[0]["StateValue"])
    # Where nothing is scheduled, none can be late: only that alarm may be off.
    off = f"; off: {', '.join(disabled)}" if disabled else ""
    return (
        f"{len(found)} alarms mail {stage.target.names['topic']}; {active[0]['AlarmName']} was set off and mailed{off}"
    )


def _set_off(stage: Stage, alarm: str, state: str) -> None:
    """Set an alarm off, and back: at its next evaluation it would come back by itself.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html
    """
    set_state, reason = stage.target.cloudwatch.set_alarm_state, "set off by marketlake acceptance; nothing is wrong"
    with listening(stage.target) as listener:
        set_state(AlarmName=alarm, StateValue="ALARM", StateReason=reason)
        try:
            if not listener.heard(alarm):
                raise Broken(f"{alarm} was set off, and its mail did not leave the topic", "look at the topic's policy")
        finally:
            set_state(AlarmName=alarm, StateValue=cast("Any", state), StateReason=reason)


def lifecycle(stage: Stage) -> str:
    """What S3 will remove and move: raw and daily objects, and never what the history is made of before them."""
    raw, clean = (_rules(stage, kind) for kind in ("raw", "clean"))
    if not raw and not clean and stage.target.is_local:
        raise NotTried(f"there are no lifecycle rules; {MADE_BY_UP}", "try it on a stack that Terraform made")
    kept, daily = _expiry(raw, "raw/"), _expiry(clean, "clean/")
    moved = [(one["Days"], one["StorageClass"]) for rule in _of(clean, "clean/") for one in rule.get("Transitions", [])]
    history = {prefix: _expiry(clean, prefix) for prefix in ("by_year/", "markers/", "state/")}
    wrong = [f"{prefix} never expires" for prefix, days in (("raw/", kept), ("clean/", daily)) if days is None]
    wrong += [] if moved else ["clean/ never moves to Glacier"]
    wrong += [f"{name} is removed after {days} days" for name, days in history.items() if days and days < (daily or 0)]
    if wrong:
        raise Broken("; ".join(wrong), "make deploy")
    archive = "; ".join(f"{name} {f'removed after {days} days' if days else 'kept'}" for name, days in history.items())
    moves = ", ".join(f"{storage} after {days}" for days, storage in moved)
    return f"raw/ removed after {kept} days; clean/ {moves}, removed after {daily}; {archive}{_as_s3_says(stage)}"


def _rules(stage: Stage, kind: str) -> list[dict[str, Any]]:
    try:
        found = stage.target.s3.get_bucket_lifecycle_configuration(Bucket=stage.target.names[f"{kind}_bucket"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
            return []
        raise
    return [rule for rule in cast("list[dict[str, Any]]", found["Rules"]) if rule["Status"] == "Enabled"]


def _of(rules: Sequence[dict[str, Any]], prefix: str) -> list[dict[str, Any]]:
    """The rules that are about all keys below ``prefix``."""
    return [rule for rule in rules if prefix.startswith(_prefix(rule))]


def _prefix(rule: dict[str, Any]) -> str:
    found = rule.get("Filter", {})
    return str(found.get("Prefix") or found.get("And", {}).get("Prefix") or rule.get("Prefix") or "")


def _expiry(rules: Sequence[dict[str, Any]], prefix: str) -> int | None:
    """Days after which the current objects below ``prefix`` are removed; None where they are not."""
    return min(
        (rule["Expiration"]["Days"] for rule in _of(rules, prefix) if "Days" in rule.get("Expiration", {})),
        default=None,
    )


def _as_s3_says(stage: Stage) -> str:
    """When S3 itself says that a daily object goes, which it tells with each object that a rule will remove.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html (x-amz-expiration)
    """
    bucket = stage.target.names["clean_bucket"]
    listed = stage.target.s3.list_objects_v2(Bucket=bucket, Prefix="clean/", MaxKeys=1).get("Contents", [])
    said = stage.target.s3.head_object(Bucket=bucket, Key=listed[0]["Key"]).get("Expiration", "") if listed else ""
    return f"; S3 on {listed[0]['Key']}: {said}" if said else ""


def refused_calls(stage: Stage) -> str:
    """Calls that each role must be refused, asked of IAM's own simulator."""
    wrong: list[str] = []
    calls = list(must_be_refused(stage))
    for role, action, resource in calls:
        arn = f"arn:{stage.target.partition}:iam::{stage.target.account_id}:role/{stage.target.prefix}-{role}"
        answer = stage.target.iam.simulate_principal_policy(
            PolicySourceArn=arn, ActionNames=[action], ResourceArns=[resource]
        )
        if answer["EvaluationResults"][0]["EvalDecision"] == "allowed":
            wrong.append(f"{stage.target.prefix}-{role} may {action} on {resource}")
    if wrong:
        raise Broken(
            "; ".join(wrong), "take that policy away; `make plan` shows what was changed, `make deploy` restores it"
        )
    return f"{len(calls)} calls refused, as they must be"


def must_be_refused(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Role (after the prefix), action, resource."""
    target, names = stage.target, stage.target.names
    objects = {
        kind: f"arn:{target.partition}:s3:::{names[f'{kind}_bucket']}/" for kind in ("raw", "clean", "artifacts")
    }
    for function in facts.function_names():
        role = function.replace("_", "-")
        yield role, "s3:DeleteObject", f"{objects['clean']}by_year/fx_rates/year=2026/part-0.parquet"
        yield role, "s3:PutObject", f"{objects['artifacts']}functions/{role}.zip"
        yield role, "s3:PutBucketPolicy", f"arn:{target.partition}:s3:::{names['clean_bucket']}"
        yield role, "states:StartExecution", target.state_machine_arn
        yield role, "sqs:SendMessage", target.arn("sqs", names["dlq"])
        yield role, "lambda:InvokeFunction", target.arn("lambda", f"function:{target.prefix}-report")
        yield (
            role,
            "iam:PassRole",
            f"arn:{target.partition}:iam::{target.account_id}:role/{target.prefix}-state-machine",
        )
    for role in ("plan", "fetch", "validate", "athena-check"):
        yield role, "s3:PutObject", f"{objects['clean']}clean/fx_rates/dt=2026-01-05/part-0.parquet"
    for role in ("plan", "transform", "athena-check", "report"):
        yield role, "s3:GetObject", f"{objects['raw']}raw/fx_rates/dt=2026-01-05/rates.json"
    for role in ("plan", "fetch", "validate", "transform"):
        yield role, "athena:StartQueryExecution", target.arn("athena", f"workgroup/{names['workgroup']}")
    yield "state-machine", "lambda:InvokeFunction", target.arn("lambda", "function:another")
    yield "state-machine", "sns:Publish", target.arn("sns", "another")
    yield "state-machine", "s3:GetObject", f"{objects['clean']}markers/x"


def cost(stage: Stage) -> str:
    """What the executions of this acceptance cost, and what the account's budget has counted so far."""
    computed = sum(bill(quantities(used_by(stage.target, ended))).total for ended in stage.executions)
    own = f"{len(stage.executions)} executions of this acceptance: ${computed:.4f} at list price"
    if stage.target.is_local:
        return f"{own}, were this an account"
    name = f"{stage.target.prefix}-monthly"
    try:
        budget = stage.target.budgets.describe_budget(AccountId=stage.target.account_id, BudgetName=name)["Budget"]
    except stage.target.budgets.exceptions.NotFoundException:
        return f"{own}; there is no budget {name} that counts the month"
    spent = budget.get("CalculatedSpend", {}).get("ActualSpend", {}).get("Amount", "0")
    if float(spent) > assumed("limit_usd"):
        raise Broken(f"{name} has counted ${float(spent):.2f} this month", "look at Cost Explorer, by service")
    return f"{own}; {name} has counted ${float(spent):.2f} this month"
