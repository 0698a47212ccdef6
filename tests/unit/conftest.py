"""Unit tests: no network, no AWS account, nothing of the developer's environment."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import pytest_socket
from moto import mock_aws

from marketlake import aws
from tests.unit.lake import ENVIRONMENT, REGION, Lake

LOOPBACK_FOLDERS = {"sources", "fetch_sources", "hostile", "s3"}
"""Their tests talk to a server of their own on 127.0.0.1; all others open no socket at all."""

FAKE_AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}

FOREIGN = ("AWS_", "MARKETLAKE_", "POWERTOOLS_", "LAMBDA_")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(FOREIGN) or name in ENVIRONMENT:
            monkeypatch.delenv(name)
    for name, value in FAKE_AWS.items():
        monkeypatch.setenv(name, value)
    # When imported, the X-Ray SDK makes a UDP socket, on which nothing is sent, and a client with the profile set then.
    importlib.import_module("aws_xray_sdk.core")


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, _own_environment: None) -> Iterator[None]:
    folder = Path(request.node.path).parent.name
    if folder in LOOPBACK_FOLDERS:
        pytest_socket.socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)
    else:
        pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()


@pytest.fixture(autouse=True, scope="module")
def _own_clients() -> Iterator[None]:
    """A warm function keeps its clients, and to make one takes a while; so do the tests of a module.

    S3's is boto3's here, since moto answers that one only; tests/e2e run the functions with their own.
    """
    aws._client.cache_clear()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(aws, "_new_s3", lambda: boto3.client("s3"))
        yield
    aws._client.cache_clear()


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """The buckets of a deployment with the shipped symbols files, on moto, and the functions' environment."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield Lake.create(aws.s3_client())
