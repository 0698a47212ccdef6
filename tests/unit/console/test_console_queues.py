from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from infra.client.target import Target
from infra.local.config import LocalConfig
from tests.unit.cli.test_ops_dlq import HOSTILE, INPUT, MESSAGE, send
from tests.unit.console.conftest import POST, Deployed


def post(page: TestClient, path: str, document: object) -> Any:
    return page.post(f"/api/queue/{path}", json=document, headers=POST)


def test_an_empty_queue_and_an_empty_lake_say_so(account_page: TestClient) -> None:
    assert account_page.get("/api/queue").json() == {"letters": [], "hidden": 0}
    assert account_page.get("/api/overview").json()["queue"] == {"visible": 0, "hidden": 0}
    datasets = account_page.get("/api/days").json()["datasets"]
    assert {(one["due"], one["first"], len(one["years"])) for one in datasets} == {(0, None, 0)}


def test_a_letter_says_what_it_is_about_and_what_it_would_start(
    account_page: TestClient, account: Target, queue_url: str
) -> None:
    letter = send(account, queue_url, MESSAGE)
    (found,) = account_page.get("/api/queue").json()["letters"]
    assert (found["id"], found["dataset"], found["period"], found["error"]) == (
        letter,
        "fx_rates",
        "2020-07-01 to 2020-07-02",
        "UpstreamThrottled",
    )
    assert (found["starts"], found["input"], found["redrivable"]) == (f"redrive-{letter}", INPUT, True)
    assert found["retry"] == "marketlake retry run-1"
    assert account_page.get("/api/overview").json()["queue"]["visible"] == 1


def test_a_trial_starts_nothing_and_a_redrive_starts_once_and_deletes(
    account_page: TestClient, account: Target, queue_url: str, states: Deployed
) -> None:
    letter = send(account, queue_url, MESSAGE)
    (planned,) = post(account_page, "redrive", {"ids": [letter], "dry_run": True}).json()["results"]
    assert (planned["result"], planned["execution"]) == ("would start", f"redrive-{letter}")
    assert states.started == []
    assert len(account_page.get("/api/queue").json()["letters"]) == 1

    (done,) = post(account_page, "redrive", {"ids": [letter, letter]}).json()["results"]
    assert (done["result"], done["done"]) == ("started", True)
    assert [(one["name"], json.loads(one["input"])) for one in states.started] == [(f"redrive-{letter}", INPUT)]
    assert account_page.get("/api/queue").json()["letters"] == []
    (gone,) = post(account_page, "redrive", {"ids": [letter]}).json()["results"]
    assert (gone["result"], gone["done"]) == ("is not there any more", False)


def test_hostile_messages_are_shown_as_text_and_never_started(
    account_page: TestClient, account: Target, queue_url: str, states: Deployed
) -> None:
    ids = {send(account, queue_url, body) for body in HOSTILE}
    letters = account_page.get("/api/queue").json()["letters"]
    assert {one["id"] for one in letters} == ids
    assert not any(one["redrivable"] or one["starts"] for one in letters)
    results = post(account_page, "redrive", {"ids": sorted(ids)}).json()["results"]
    assert all(one["result"].startswith("stays: ") and not one["done"] for one in results)
    assert states.started == []
    assert len(account_page.get("/api/queue").json()["letters"]) == len(HOSTILE)


def test_purge_deletes_the_named_messages_only(account_page: TestClient, account: Target, queue_url: str) -> None:
    doomed, kept = send(account, queue_url, "not ours"), send(account, queue_url, MESSAGE)
    assert post(account_page, "purge", {"ids": [doomed, "of-another-time"]}).json() == {"deleted": 1}
    assert [one["id"] for one in account_page.get("/api/queue").json()["letters"]] == [kept]


BAD_POSTS: list[Any] = [[], {}, {"ids": []}, {"ids": "all"}, {"ids": [1]}, {"ids": None}, "all"]


def test_a_post_must_name_messages(account_page: TestClient, account: Target, queue_url: str) -> None:
    send(account, queue_url, MESSAGE)
    for path in ("redrive", "purge"):
        for document in BAD_POSTS:
            assert post(account_page, path, document).status_code == 404
    assert len(account_page.get("/api/queue").json()["letters"]) == 1


def test_mails_are_those_of_the_emulator_and_in_an_account_it_says_where_they_are(
    account_page: TestClient, account: Target
) -> None:
    assert "subscribed to the topic marketlake-failures" in account_page.get("/api/mails").json()["why"]
    assert account_page.get("/api/overview").json()["mails"] is None

    account.local = LocalConfig(root=Path("nowhere"))
    url = account.sqs.create_queue(QueueName="marketlake-mailbox")["QueueUrl"]
    account.sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"Subject": "<b>FAILED</b>", "Message": "why"}))
    found = account_page.get("/api/mails").json()
    assert [(mail["subject"], mail["body"]) for mail in found["mails"]] == [("<b>FAILED</b>", "why")]
    assert account_page.get("/api/overview").json()["mails"]["visible"] == 1
