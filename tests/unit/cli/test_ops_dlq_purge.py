from __future__ import annotations

import pytest

from infra.client import dead_letters
from infra.client.dead_letters import held
from infra.client.target import Target
from tests.unit.cli.conftest import Command
from tests.unit.cli.test_ops_dlq import MESSAGE, left, send


@pytest.fixture
def url(target: Target, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(dead_letters, "WAIT_SECONDS", 0)
    return target.sqs.create_queue(QueueName=target.names["dlq"])["QueueUrl"]


def test_purge_asks_and_deletes_what_was_there(
    command: Command, target: Target, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no message" in command("dlq", "purge").out
    first = send(target, url, MESSAGE)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    assert command("dlq", "purge").status == 2
    assert left(target, url) == [first]
    target.sqs.purge_queue(QueueUrl=url)
    send(target, url, MESSAGE)
    came: list[str] = []

    def confirm(*_: object, **__: object) -> bool:
        came.append(send(target, url, "came meanwhile"))
        return True

    monkeypatch.setattr("typer.confirm", confirm)
    assert "1 messages deleted" in command("dlq", "purge").out
    assert left(target, url) == came


def test_purge_with_yes_does_not_ask(command: Command, target: Target, url: str) -> None:
    for _ in range(12):
        send(target, url, MESSAGE)
    assert "12 messages deleted" in command("dlq", "purge", "--yes").out
    assert left(target, url) == []


def test_what_is_held_is_given_back_when_the_command_breaks(target: Target, url: str) -> None:
    letter_id = send(target, url, MESSAGE)

    def broken() -> None:
        with held(target, target.names["dlq"]):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert left(target, url) == [letter_id]
