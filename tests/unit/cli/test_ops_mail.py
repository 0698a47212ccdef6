from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from infra.client import dead_letters
from infra.client.target import Target
from infra.local.config import LocalConfig
from tests.unit.cli.conftest import Command


@pytest.fixture
def url(target: Target, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(dead_letters, "WAIT_SECONDS", 0)
    target.local = LocalConfig(root=Path("nowhere"))
    return target.sqs.create_queue(QueueName="marketlake-mailbox")["QueueUrl"]


def send(target: Target, url: str, subject: str, text: str) -> None:
    envelope = {"Type": "Notification", "Subject": subject, "Message": text, "Timestamp": "2026-01-05T18:45:00.000Z"}
    target.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(envelope))


def test_mails_are_shown_as_they_are_and_stay(command: Command, target: Target, url: str) -> None:
    assert "no mail" in command("mail").out
    send(target, url, "marketlake FAILED: [bold]", "WHAT FAILED\n- fx_rates [red]\x1b[31m")
    target.sqs.send_message(QueueUrl=url, MessageBody="not JSON [x]")
    for arguments in ([], ["--keep"]):
        printed = command("mail", *arguments)
        assert printed.status == 0
        assert "marketlake FAILED: [bold]" in printed.out
        assert "WHAT FAILED\n- fx_rates [red]" in printed.out
        assert "not JSON [x]" in printed.out
        assert "\x1b" not in printed.out
    assert len(command("mail", "--json").document) == 2


def test_the_newest_comes_first_and_purge_deletes_what_was_shown(
    command: Command, target: Target, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time() * 1000
    for number in range(12):
        with monkeypatch.context() as clock:
            clock.setattr("moto.sqs.models.unix_time_millis", lambda *_, n=number: now + n)
            send(target, url, f"mail {number}", "text")
    time.sleep(0.02)  # the messages' times are up to 12 ms ahead, and none is received before its time
    shown = command("mail", "--json", "--purge")
    assert [mail["subject"] for mail in shown.document] == [f"mail {number}" for number in reversed(range(12))]
    assert "12 mails deleted" in shown.err
    assert "no mail" in command("mail").out


def test_on_an_account_it_says_where_mails_go(command: Command) -> None:
    printed = command("mail")
    assert printed.status == 1
    assert "marketlake-failures" in printed.err
    assert printed.out == ""
