"""The AWS that a command works on: the emulator, or an account."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import quote

import boto3
from botocore.config import Config

from infra import facts
from infra.client.errors import NotRunning
from infra.local.config import ACCESS_KEY, ACCOUNT_ID, SECRET_KEY, LocalConfig
from marketlake.console import console_link, console_url
from marketlake.reader.shipped import SIMULATED
from marketlake.storage import Bucket

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_athena.client import AthenaClient
    from mypy_boto3_budgets.client import BudgetsClient
    from mypy_boto3_cloudwatch.client import CloudWatchClient
    from mypy_boto3_glue.client import GlueClient
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_scheduler.client import EventBridgeSchedulerClient
    from mypy_boto3_sns.client import SNSClient
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_stepfunctions.client import SFNClient

DEFAULT_PREFIX = "marketlake"
DEFAULT_REGION = "eu-west-2"

CONSOLE_HOST, CONSOLE_PORT = "127.0.0.1", 4580
"""Where `marketlake console` is, unless it is given another port; the emulator's mails lead there."""

OPTIONS = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=5, read_timeout=30)


SUFFIXES = {"aws-cn": "amazonaws.com.cn"}
"""Domains of the partitions whose services are not below amazonaws.com."""

Kind = TypeVar("Kind")


class _Client(cached_property[Kind]):
    """The client of one AWS service, made when it is first asked for."""

    def __init__(self, service: str) -> None:
        def made(target: Target) -> Any:
            endpoint_url = target.states_url if service == "stepfunctions" else target.endpoint_url
            return target.session.client(service, endpoint_url=endpoint_url, config=OPTIONS)

        super().__init__(made)


@dataclass
class Target:
    """One deployment of marketlake: its AWS clients and the names of its resources.

    ``endpoint_url``, ``states_url`` (Step Functions, which may be an engine beside it) and ``local`` are set for the
    emulator only; ``replay`` is the health document of the simulated sources, if any.
    """

    session: boto3.Session
    account_id: str
    region: str
    prefix: str
    partition: str = "aws"
    endpoint_url: str | None = None
    states_url: str | None = None
    local: LocalConfig | None = None
    replay: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether this is the emulator."""
        return self.local is not None

    @property
    def deploy_command(self) -> str:
        """What deploys it, for the first time or again."""
        return "marketlake up" if self.is_local else "make deploy"

    @cached_property
    def names(self) -> dict[str, str]:
        """Names of the resources, by what they are (``infra/terraform/names.json.tftpl``)."""
        return facts.names(self.prefix, self.account_id, self.region)

    @property
    def state_machine_arn(self) -> str:
        """ARN of the pipeline."""
        return self.arn("states", f"stateMachine:{self.names['state_machine']}")

    def arn(self, service: str, name: str) -> str:
        """ARN of the resource ``name`` of a service whose ARNs name region and account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{name}"

    def execution_arn(self, name: str) -> str:
        """ARN of the pipeline's execution ``name``; an ARN is left as it is."""
        if name.startswith("arn:"):
            return name
        return self.state_machine_arn.replace(":stateMachine:", ":execution:") + f":{name}"

    @property
    def described(self) -> str:
        """The target for people."""
        account = f"AWS account {self.account_id}, {self.region}"
        where = f"emulator at {self.endpoint_url}" if self.is_local else account
        return where if self.prefix == DEFAULT_PREFIX else f"{where}, prefix {self.prefix}"

    @cached_property
    def console_links(self) -> dict[str, str]:
        """Pages of AWS's own console, by the console's view that shows the same; none on the emulator.

        The same forms as the output ``console_links`` of ``infra/terraform/outputs.tf``.
        """
        if self.is_local:
            return {}
        region, names = self.region, self.names
        queue = quote(
            f"https://sqs.{region}.{SUFFIXES.get(self.partition, 'amazonaws.com')}/{self.account_id}/{names['dlq']}",
            safe="",
        )
        pages = {
            "executions": f"states/home?region={region}#/statemachines/view/{self.state_machine_arn}",
            "queue": f"sqs/v3/home?region={region}#/queues/{queue}",
            "mails": f"sns/v3/home?region={region}#/topic/{self.arn('sns', names['topic'])}",
            "days": f"s3/buckets/{names['clean_bucket']}?region={region}",
            "data": f"athena/home?region={region}#/query-editor",
        }
        return {view: console_url(self.partition, region, page) for view, page in pages.items()}

    def execution_link(self, name: str) -> str:
        """An execution's page in AWS's own console; empty on the emulator."""
        return "" if self.is_local else console_link(self.execution_arn(name))

    @property
    def simulated(self) -> str:
        """What is simulated here, as a sentence; empty where nothing is."""
        prices = (self.replay or {}).get("prices", {})
        return SIMULATED.format(prices.get("seed", "?")) if prices.get("simulated") else ""

    s3: ClassVar[_Client[S3Client]] = _Client("s3")
    states: ClassVar[_Client[SFNClient]] = _Client("stepfunctions")
    athena: ClassVar[_Client[AthenaClient]] = _Client("athena")
    glue: ClassVar[_Client[GlueClient]] = _Client("glue")
    lambdas: ClassVar[_Client[LambdaClient]] = _Client("lambda")
    logs: ClassVar[_Client[CloudWatchLogsClient]] = _Client("logs")
    sqs: ClassVar[_Client[SQSClient]] = _Client("sqs")
    sns: ClassVar[_Client[SNSClient]] = _Client("sns")
    scheduler: ClassVar[_Client[EventBridgeSchedulerClient]] = _Client("scheduler")
    cloudwatch: ClassVar[_Client[CloudWatchClient]] = _Client("cloudwatch")
    iam: ClassVar[_Client[IAMClient]] = _Client("iam")
    budgets: ClassVar[_Client[BudgetsClient]] = _Client("budgets")

    def bucket(self, kind: str) -> Bucket:
        """The bucket ``raw``, ``clean``, ``results`` or ``artifacts``."""
        return Bucket(self.names[f"{kind}_bucket"], self.s3)


def local_target(root: Path) -> Target:
    """The emulator whose state is in ``root``.

    Raises:
        NotRunning: it was not started, or does not answer.
        LocalError: its config cannot be read.
    """
    from infra.local import server

    status = server.status(root)
    if status.config is None or status.health is None or not status.states:
        raise NotRunning("the emulator is not running", "start it with: marketlake up (an account: give --profile)")
    config = status.config
    session = boto3.Session(aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=config.region)
    return Target(
        session,
        ACCOUNT_ID,
        config.region,
        config.prefix,
        endpoint_url=config.endpoint_url,
        states_url=config.states_url,
        local=config,
        replay=status.replay,
    )


def aws_target(profile: str | None, region: str | None, prefix: str) -> Target:
    """An account, with the credentials of ``profile`` or of the environment.

    Raises:
        BotoCoreError, ClientError: there are no credentials, or AWS refuses them.
    """
    session = boto3.Session(profile_name=profile, region_name=region)
    if not session.region_name:
        session = boto3.Session(profile_name=profile, region_name=DEFAULT_REGION)
    caller = session.client("sts").get_caller_identity()
    return Target(session, caller["Account"], session.region_name, prefix, partition=caller["Arn"].split(":")[1])
