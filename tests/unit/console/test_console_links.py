from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from infra.client.target import Target
from infra.local.config import LocalConfig
from marketlake.console import console_link


def test_an_accounts_views_lead_to_its_own_console_and_the_emulators_do_not(
    account_page: TestClient, account: Target
) -> None:
    links = account_page.get("/api/overview").json()["links"]
    assert set(links) == {"executions", "queue", "mails", "days", "data"}
    assert all(link.startswith("https://eu-west-2.console.aws.amazon.com/") for link in links.values())
    assert links["executions"].endswith(account.state_machine_arn)
    found = account_page.get("/api/executions/run-1").json()
    assert found["link"] == console_link(account.execution_arn("run-1"))

    account.__dict__.pop("console_links")
    account.local = LocalConfig(root=Path("nowhere"))
    assert (account.console_links, account.execution_link("run-1")) == ({}, "")


@pytest.mark.parametrize("name", ["run-1", "odd ' name"])
def test_a_mail_of_the_emulator_leads_to_this_console(account_page: TestClient, account: Target, name: str) -> None:
    account.local = LocalConfig(root=Path("nowhere"))
    url = account.sqs.create_queue(QueueName="marketlake-mailbox")["QueueUrl"]
    text = f"WHAT FAILED\nTHE EXECUTION: {console_link(account.execution_arn(name))}\nend"
    account.sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"Subject": "x", "Message": text}))
    (mail,) = account_page.get("/api/mails").json()["mails"]
    assert mail["execution"] == name
    assert "http://127.0.0.1:4580/#/executions/" in mail["body"]
    assert "aws.amazon.com" not in mail["body"]
    assert mail["body"].endswith("\nend")


def test_the_mail_of_an_interrupted_execution_leads_here_too(account_page: TestClient, account: Target) -> None:
    text = (Path(__file__).parents[3] / "statemachine" / "interrupted.json").read_text()
    line = next(one for one in re.findall(r"THE EXECUTION: \S+(?=')", text))
    account.local = LocalConfig(root=Path("nowhere"))
    url = account.sqs.create_queue(QueueName="marketlake-mailbox")["QueueUrl"]
    text = line.replace("${region}", "eu-west-2") + account.execution_arn("run-9")
    account.sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"Subject": "x", "Message": text}))
    (mail,) = account_page.get("/api/mails").json()["mails"]
    assert mail["execution"] == "run-9"
