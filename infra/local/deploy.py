"""Deploys the pipeline on the local AWS emulator from the data files that Terraform reads too.

Idempotent: everything is created or brought to what the files say. Terraform makes the same things in an account;
``tests/infra`` compares the two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from infra import facts
from infra.local.config import ACCESS_KEY, ACCOUNT_ID, SECRET_KEY, LocalConfig
from infra.local.lists import CLOSING_DAYS, list_objects, longest_list
from infra.package.build import source_files, sources_zip
from infra.package.tables import table_inputs
from marketlake.reader.shipped import LOOKUPS, NAMES, VIEWS

BUCKETS = ("raw_bucket", "clean_bucket", "results_bucket", "artifacts_bucket")
RUNTIME = "provided.al2023"
BOOTSTRAP = Path(__file__).parent / "bootstrap.sh"

_MAKING = Lock()
"""A session's clients are used by all threads and made by one at a time."""

SHORT_WAITS = {
    "retry_interval_seconds": 1,
    "throttled_interval_seconds": 1,
    "pass_interval_seconds": 1,
    "publication_interval_seconds": 1,
    "publication_patience_seconds": 0.1,
    "requests_per_second": 0,
}
"""Nobody waits minutes for simulated sources, which may be asked as fast as they answer. The patience is below three
waits at any ``SFN_WAIT_SCALE`` that the tests use."""


@dataclass(frozen=True)
class Deployment:
    """What is deployed: the state machine's ARN, all template values, and whether anything had to be done."""

    state_machine_arn: str
    values: dict[str, object]
    changed: bool


@cache
def session(region: str) -> boto3.Session:
    """A session with the emulator's root credentials; one a process, since each reads AWS's service models anew."""
    return boto3.Session(aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=region)


def client(config: LocalConfig, service: str) -> Any:
    """A client of the emulator, the same one for the same service."""
    with _MAKING:
        return _client(config.region, config.endpoint_of(service), service)


@cache
def _client(region: str, endpoint_url: str, service: str) -> Any:
    options = Config(retries={"mode": "standard", "total_max_attempts": 2}, max_pool_connections=16)
    return session(region).client(service, endpoint_url=endpoint_url, config=options)


def values_of(config: LocalConfig) -> dict[str, object]:
    """Values of all placeholders for ``config``; the sources are simulated unless they are live."""
    overrides: dict[str, object] = {"fx_base": config.fx_base}
    if config.source == "live":
        # Real services are given the patience that they get from AWS.
        given = {
            "yahoo_base_url": config.yahoo_url,
            "ecb_base_url": config.ecb_url,
            "frankfurter_base_url": config.frankfurter_url,
            "upstream_proxy": config.proxy,
        }
        overrides |= {name: value for name, value in given.items() if value}
    else:
        overrides |= SHORT_WAITS | {
            "yahoo_base_url": f"{config.replay_url}/yahoo",
            "ecb_base_url": f"{config.replay_url}/ecb/service",
            "frankfurter_base_url": f"{config.replay_url}/frankfurter/v1",
        }
    if config.requests_per_second is not None:
        overrides["requests_per_second"] = config.requests_per_second
    values = facts.template_values(config.prefix, ACCOUNT_ID, config.region, **overrides)
    values["dlq_url"] = f"{config.endpoint_url}/{ACCOUNT_ID}/{values['dlq']}"
    # MiniStack knows a query's workgroup only when it is started; on AWS the workgroup is the resource of all three.
    values["athena_queries_arn"] = "*"
    values["operator_command"] = "marketlake"
    return values


def fingerprint(config: LocalConfig) -> str:
    """Hash of everything that a deployment is made from."""
    deployed = {name: value for name, value in asdict(config).items() if name not in ("chaos", "chaos_seed")}
    digest = hashlib.sha256(json.dumps(deployed, default=str, sort_keys=True).encode())
    sources = {path for function in facts.function_names() for path in source_files(function).values()}
    shared = [
        *facts.DEFINITION.parent.glob("*.json"),
        *facts.POLICIES.rglob("*.tftpl"),
        facts.FUNCTIONS / "functions.json",
        NAMES,
        LOOKUPS,
        CLOSING_DAYS,
        *VIEWS.glob("*.sql"),
        *(path for path in (config.constituents, config.prices) if path),
    ]
    for path in sorted({*sources, *shared}):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_of_these_sources(config: LocalConfig) -> bool:
    """Whether what was deployed last was made from the sources as they are now.

    Raises:
        FileNotFoundError: nothing was deployed.
    """
    return (config.root / "deployed").read_text("utf-8").split(" ")[0] == fingerprint(config)


def deploy(config: LocalConfig, last_known_day: str = "") -> Deployment:
    """Bring the emulator to what the data files say; does nothing if it is there already.

    ``last_known_day`` is the last day of the simulated sources; a run without a date means that day.

    Raises:
        ContractViolation: the user's list of constituents is invalid.
    """
    values = values_of(config) | {"last_known_day": last_known_day}
    arn = str(values["state_machine_arn"])
    mark, current = config.root / "deployed", f"{fingerprint(config)} {last_known_day}"
    if mark.exists() and mark.read_text("utf-8") == current and _exists(config, arn):
        return Deployment(arn, values, changed=False)
    make_storage(config, values)
    _queue_and_topic(config, values)
    make_catalog(config, values)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda function: _function(config, values, function), facts.function_names()))
    _state_machine(config, values, "state_machine", facts.definition(values))
    if config.engine == "embedded":  # the events that start it are MiniStack's own
        _interrupted(config, values)
    mark.write_text(current, "utf-8")
    return Deployment(arn, values, changed=True)


def _exists(config: LocalConfig, arn: str) -> bool:
    try:
        client(config, "stepfunctions").describe_state_machine(stateMachineArn=arn)
    except ClientError:
        return False
    return True


def _ensure(create: Callable[[], Any], update: Callable[[], Any] | None = None) -> None:
    """``create``, or ``update`` what is there already."""
    try:
        create()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        there = ("Exists", "BucketAlreadyOwnedByYou", "ResourceConflictException", "already")
        if not any(word in f"{code} {error}" for word in there):
            raise
        if update is not None:
            update()


def make_storage(config: LocalConfig, values: dict[str, object]) -> None:
    """The buckets, and what lies in them from the start: the lists in force, and the analysts' lookups."""
    s3 = client(config, "s3")
    place = {"LocationConstraint": config.region}
    for bucket in BUCKETS:
        _ensure(partial(s3.create_bucket, Bucket=values[bucket], CreateBucketConfiguration=place))
    # The versions of a year's object are what `marketlake restore` brings back.
    s3.put_bucket_versioning(Bucket=f"{values['clean_bucket']}", VersioningConfiguration={"Status": "Enabled"})
    for key, body in list_objects(config):
        s3.put_object(Bucket=values["artifacts_bucket"], Key=key, Body=body, ContentType="text/csv")


def _queue_and_topic(config: LocalConfig, values: dict[str, object]) -> None:
    sqs, sns = client(config, "sqs"), client(config, "sns")
    for name in (values["dlq"], values["mailbox"]):
        sqs.create_queue(QueueName=name, Attributes={"MessageRetentionPeriod": str(14 * 24 * 3600)})
    topic = sns.create_topic(Name=values["topic"])["TopicArn"]
    # The mailbox stands for the person's e-mail: `marketlake mail` reads it.
    mailbox = f"arn:aws:sqs:{config.region}:{ACCOUNT_ID}:{values['mailbox']}"
    url = sqs.get_queue_url(QueueName=values["mailbox"])["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": facts.queue_of_topic_policy(mailbox, topic)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=mailbox)


def _interrupted(config: LocalConfig, values: dict[str, object]) -> None:
    """Mails about executions that were stopped; MiniStack lets none time out."""
    events, rule = client(config, "events"), str(values["interrupted"])
    document = facts.interrupted(values)
    machine = _state_machine(config, values, "interrupted", json.dumps(document["definition"]))
    events.put_rule(Name=rule, EventPattern=json.dumps(document["pattern"]))
    role = _role(config, values, "interrupted_rule", "events")
    target = {"Id": "mail", "Arn": machine, "RoleArn": role, "InputPath": "$.detail"}
    events.put_targets(Rule=rule, Targets=[target])


def make_catalog(config: LocalConfig, values: dict[str, object]) -> None:
    """The database, its tables and the workgroup."""
    glue, athena = client(config, "glue"), client(config, "athena")
    database = values["database"]
    _ensure(lambda: glue.create_database(DatabaseInput={"Name": database}))
    for table in table_inputs(values):
        _ensure(
            partial(glue.create_table, DatabaseName=database, TableInput=table),
            partial(glue.update_table, DatabaseName=database, TableInput=table),
        )
    settings = {
        "ResultConfiguration": {"OutputLocation": f"s3://{values['results_bucket']}/"},
        "EnforceWorkGroupConfiguration": True,
    }
    _ensure(lambda: athena.create_work_group(Name=values["workgroup"], Configuration=settings))


def _role(config: LocalConfig, values: dict[str, object], role: str, service: str) -> str:
    iam = client(config, "iam")
    name = facts.function_name(config.prefix, role)
    trust = facts.render((facts.POLICIES / "trust" / "service.json.tftpl").read_text("utf-8"), {"service": service})
    _ensure(lambda: iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust))
    log_group = f"arn:aws:logs:{config.region}:{ACCOUNT_ID}:log-group:/aws/lambda/{name}"
    policy = facts.policy(role, values | {"log_group_arn": log_group})
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=policy)
    return f"arn:aws:iam::{ACCOUNT_ID}:role/{name}"


def _function(config: LocalConfig, values: dict[str, object], function: str) -> None:
    document = facts.functions_document(values)
    described = document["functions"][function]
    environment = {name: document["environment"][name] for name in described["environment"]}
    name, lambdas = facts.function_name(config.prefix, function), client(config, "lambda")
    settings = {
        "FunctionName": name,
        "Role": _role(config, values, function, "lambda"),
        "Handler": described["handler"],
        "Runtime": RUNTIME,
        "Description": described["description"],
        "Timeout": described["timeout_seconds"],
        "MemorySize": facts.memory_mb(described, longest_list(config)),
        "Environment": {"Variables": environment},
    }
    body = sources_zip(function, BOOTSTRAP)

    def update() -> None:
        lambdas.update_function_code(FunctionName=name, ZipFile=body)
        lambdas.update_function_configuration(**settings)

    _ensure(lambda: lambdas.create_function(Code={"ZipFile": body}, **settings), update)


def _state_machine(config: LocalConfig, values: dict[str, object], kind: str, definition: str) -> str:
    """Make the state machine that ``names.json`` calls ``kind``, under the role of that name; its ARN."""
    states, name = client(config, "stepfunctions"), str(values[kind])
    arn = f"arn:aws:states:{config.region}:{ACCOUNT_ID}:stateMachine:{name}"
    role = _role(config, values, kind, "states")
    _ensure(
        partial(states.create_state_machine, name=name, definition=definition, roleArn=role),
        partial(states.update_state_machine, stateMachineArn=arn, definition=definition, roleArn=role),
    )
    return arn
