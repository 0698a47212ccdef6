"""The engines on which the definition's test cases run.

``embedded``: MiniStack, as ``marketlake up`` starts it. ``moto``: a second interpreter. ``stepfunctions-local``: where
STEPFUNCTIONS_LOCAL_ENDPOINT names one (see statemachine/README.md).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from infra.facts import ROOT
from infra.local import processes
from infra.local.config import ACCESS_KEY, SECRET_KEY, LocalConfig
from infra.local.server import ministack_environment
from tests.e2e.pipeline import free_port_pair
from tests.statemachine.definition import MOCK_CONFIG
from tests.statemachine.engines import Engine
from tests.statemachine.mocked_moto import MockedMoto

Around = Callable[[], AbstractContextManager[None]]

ENDPOINT = os.environ.get("STEPFUNCTIONS_LOCAL_ENDPOINT")


def _engine(endpoint_url: str | None, *, by_suffix: bool, around: Around = nullcontext) -> Engine:
    # The name of a test case after an ARN is Step Functions Local's own idea, and botocore need not know of it.
    options = Config(parameter_validation=False)
    client = boto3.client(
        "stepfunctions",
        region_name="eu-west-2",
        endpoint_url=endpoint_url,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=options,
    )
    return Engine(client, by_suffix=by_suffix, ahead=by_suffix, around=around)


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    config = LocalConfig(root=Path(tmp_path_factory.mktemp("embedded")), port=free_port_pair())
    for folder in ("s3", "state", "tmp"):
        (config.root / folder).mkdir()
    # The roles of the functions are not there, and nothing is called: IAM has no part in these tests.
    settings = {
        "AUTH": "false",
        "SFN_MOCK_CONFIG": str(MOCK_CONFIG),
        "SFN_WAIT_SCALE": "0",
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
    }
    pid_file, log = config.root / "ministack.pid", config.logs("ministack")
    command = [sys.executable, "-m", "tests.statemachine.mocked_ministack"]
    processes.spawn(command, ministack_environment(config) | settings, log, pid_file, ROOT)
    try:
        processes.wait_until_up(f"{config.endpoint_url}/_ministack/health", pid_file, log, "the emulator")
        yield _engine(config.endpoint_url, by_suffix=True)
    finally:
        processes.stop(pid_file)


@pytest.fixture(scope="session")
def moto() -> Engine:
    return _engine(None, by_suffix=False, around=MockedMoto())


@pytest.fixture(scope="session")
def stepfunctions_local() -> Engine:
    assert ENDPOINT
    return _engine(ENDPOINT, by_suffix=True)


@pytest.fixture(params=["embedded", "moto", *(["stepfunctions_local"] if ENDPOINT else [])])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(request.param)
    return found
