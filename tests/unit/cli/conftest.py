"""A deployment in an account, on moto, and the command run in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.cli.main import main
from infra.cli.options import Setup
from infra.client.target import Target
from marketlake.layout import clean_key, marker_key
from tests.unit.lake import add_to_history

ACCOUNT, REGION = "123456789012", "eu-west-2"


@dataclass
class Printed:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def records(self) -> list[Any]:
        """A record a line."""
        return [json.loads(line) for line in self.out.splitlines()]


Command = Callable[..., Printed]


@pytest.fixture(autouse=True)
def _wide_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are laid out for the terminal, which differs between a person's shell, pytest and its workers."""
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def target() -> Iterator[Target]:
    """An account with the lake's buckets."""
    with mock_aws():
        made = Target(boto3.Session(region_name=REGION), ACCOUNT, REGION, "marketlake")
        for kind in ("raw", "clean", "results", "artifacts"):
            place: Any = {"LocationConstraint": REGION}
            made.s3.create_bucket(Bucket=made.names[f"{kind}_bucket"], CreateBucketConfiguration=place)
        yield made


@pytest.fixture
def command(target: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs ``marketlake ARGUMENTS`` on ``target``."""
    monkeypatch.setattr(Setup, "target", lambda _setup: target)

    def call(*arguments: str) -> Printed:
        capsys.readouterr()
        status = main(["--region", REGION, *arguments])
        printed = capsys.readouterr()
        return Printed(status, printed.out, printed.err)

    return call


@pytest.fixture
def store(target: Target) -> Callable[..., None]:
    """Puts a day's clean object, its marker and its bit in the year's object into the lake, or some of them."""

    def put(dataset: str, day: Any, *, clean: bool = True, marker: bool = True, history: bool = True) -> None:
        if history:
            add_to_history(target.bucket("clean"), dataset, day)
        keys = [clean_key(dataset, day)] * clean + [marker_key(dataset, day)] * marker
        for key in keys:
            target.s3.put_object(Bucket=target.names["clean_bucket"], Key=key, Body=b"x")

    return put
