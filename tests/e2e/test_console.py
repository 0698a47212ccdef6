"""The console in a real Chromium, over the emulator: live, through failures and a redrive, and shut to others."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect

from infra.client.errors import Refusal
from infra.console.server import bind
from tests.e2e.console_page import Opened, served
from tests.e2e.empty_account import empty_account
from tests.e2e.pipeline import Pipeline

VIEWS = ("executions", "queue", "mails", "days", "data", "start", "compare")
HOSTILE = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"

FORGED = """([address, body]) => {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: address, enctype: "text/plain" });
  form.append(Object.assign(document.createElement("input"), { name: body }));
  document.body.append(form);
  form.submit();
}"""
"""A form of another site's, which a browser sends without asking."""


def test_a_backfill_is_seen_live_its_cause_in_two_clicks_and_its_redrive_to_the_end(
    pipeline: Pipeline, opened: Opened
) -> None:
    # The day between is there already, so the batch that fails has a gap.
    assert pipeline.run({"datasets": ["fx_rates"], "start": "2016-05-04", "end": "2016-05-04"}).status == "SUCCEEDED"
    console = opened()
    console.open("executions")
    # Eight seconds without an answer: long enough to be seen running. It is retried by another rule than 429.
    pipeline.inject(
        {"kind": "hang", "match": "/(ecb|frankfurter)/", "times": 1, "seconds": 8},
        {"kind": "status", "status": 429, "match": "/(ecb|frankfurter)/"},
    )
    name = pipeline.start(
        {"datasets": ["ftse100_prices", "fx_rates"], "start": "2016-05-03", "end": "2016-05-05"}
    ).rpartition(":")[2]
    expect(console.row(name)).to_contain_text("running")
    console.row(name).click()
    expect(console.batch(0)).to_contain_text("ftse100_prices")
    expect(console.state("ProcessBatches")).to_have_class("node map run")
    expect(console.batch(1)).to_have_class("chip run")
    # Nothing is loaded again by hand: it comes to its end before the reader's eyes.
    expect(console.batch(0)).to_have_class("chip ok")
    expect(console.status()).to_contain_text("failed")
    expect(console.state("Fetch")).to_contain_text("↻ 4")
    expect(console.state("Fetch")).to_have_class("node task warn")
    expect(console.state("Failed")).to_have_class("node fail bad")
    console.page.get_by_role("button", name="show", exact=True).click()
    expect(console.batch(1)).to_have_attribute("aria-pressed", "true")

    console.open("executions")
    console.row(name).click()
    console.batch(1).click()
    expect(console.cause()).to_contain_text("UpstreamThrottled in Fetch: the ECB answered status 429")

    attempts = console.page.locator(".attempt")
    expect(attempts).to_have_count(6)
    attempts.nth(1).locator("summary").click()
    expect(attempts.nth(1)).to_contain_text('"FunctionName"')
    attempts.nth(1).get_by_role("button", name="Show logs").click()
    expect(attempts.nth(1).locator(".log").last).to_contain_text("task failed")
    console.page.get_by_role("tab", name="Timeline").click()
    expect(console.page.locator(".bar.bad")).to_have_count(5)
    console.page.get_by_role("tab", name="Events").click()
    expect(console.page.locator(".event").first).to_contain_text("MapIterationStarted")
    console.open("mails")
    expect(console.page.locator(".mails summary")).to_contain_text("marketlake FAILED: fx_rates 2016-05-03")

    pipeline.inject()
    console.open("queue")
    expect(console.letters()).to_have_count(1)
    console.page.get_by_label("all messages").check()
    console.page.get_by_role("button", name="Run 1 again").click()
    expect(console.dialog()).to_contain_text(f"Start 1 execution on emulator at {pipeline.config.endpoint_url}?")
    console.page.keyboard.press("Escape")
    expect(console.dialog()).to_have_count(0)
    expect(console.letters()).to_have_count(1)
    console.page.get_by_role("button", name="Run 1 again").click()
    console.dialog().get_by_role("button", name="Start 1 execution").click()
    expect(console.page.locator(".note a")).to_contain_text("redrive-")
    expect(console.page.get_by_text("Nothing is on the queue")).to_be_visible()
    console.page.locator(".note a").click()
    expect(console.status()).to_contain_text("succeeded")
    there = pipeline.query("SELECT DISTINCT dt FROM fx_rates WHERE dt LIKE '2016-05-%' ORDER BY dt")
    assert there == [["2016-05-03"], ["2016-05-04"], ["2016-05-05"]]


def test_text_from_elsewhere_is_shown_as_text(pipeline: Pipeline, opened: Opened) -> None:
    queue = pipeline.aws("sqs").get_queue_url(QueueName=pipeline.name("dlq"))["QueueUrl"]
    letter = {"schema_version": 1, "execution": HOSTILE, "dataset": HOSTILE, "days": [HOSTILE], "input": {}}
    letter["failure"] = {HOSTILE: {"Error": HOSTILE, "Cause": HOSTILE}}
    pipeline.aws("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(letter))
    topic = pipeline.aws("sns").create_topic(Name=pipeline.name("topic"))["TopicArn"]
    pipeline.aws("sns").publish(TopicArn=topic, Subject="<b>subject</b>", Message=HOSTILE)
    outcome = pipeline.run({"start": HOSTILE})
    assert outcome.error == "InvalidRequest"

    console = opened()
    console.open("queue")
    console.letters().locator("summary").click()
    expect(console.letters()).to_contain_text(HOSTILE)
    expect(console.letters().locator("pre")).to_contain_text("onerror")
    console.open("mails")
    console.page.locator(".mails summary").click()
    expect(console.page.locator(".mails pre")).to_have_text(HOSTILE)
    console.open(f"executions/{outcome.name}")
    expect(console.page.locator(".execution-head")).to_contain_text("<img src=x onerror=")
    for tab in ("Input and output", "Events", "Attempts"):
        console.page.get_by_role("tab", name=tab).click()
    console.page.locator(".attempt summary").click()
    expect(console.page.locator(".attempt pre").first).to_contain_text("onerror")
    assert console.page.evaluate("window.hacked ?? 'inert'") == "inert"
    assert console.page.locator("main img, main script, dialog img").count() == 0


def test_the_console_is_shut_to_other_sites_and_hosts(pipeline: Pipeline, browser: Browser, address: str) -> None:
    queue = pipeline.aws("sqs").get_queue_url(QueueName=pipeline.name("dlq"))["QueueUrl"]
    sent = pipeline.aws("sqs").send_message(QueueUrl=queue, MessageBody="keep me")["MessageId"]
    page = browser.new_page()
    # Another origin on this machine: the simulated sources.
    page.goto(f"{pipeline.config.replay_url}/health")
    read = f"fetch('{address}').then(answer => answer.text()).catch(error => `refused: ${{error}}`)"
    assert page.evaluate(read).startswith("refused: ")
    with page.expect_response(f"{address}api/queue/purge") as posted:
        page.evaluate(FORGED, [f"{address}api/queue/purge", json.dumps({"ids": [sent]})])
    assert posted.value.status == 403
    page.close()

    port = urlsplit(address).port
    for host in ("evil.example", f"evil.example:{port}"):
        assert httpx.get(address, headers={"Host": host}).status_code == 403
    # And it listens nowhere but on loopback, where it takes no port from another program.
    with bind(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
    with pytest.raises(Refusal, match=f"port {port} is taken"):
        bind(int(port or 0))
    # It is still there, whole.
    (left,) = pipeline.texts("dlq")
    assert left == "keep me"


def test_on_a_narrow_screen_nothing_is_cut_off_and_a_gap_shows(pipeline: Pipeline, opened: Opened) -> None:
    for day in ("2016-06-01", "2016-06-06"):
        assert pipeline.run({"datasets": ["fx_rates"], "start": day, "end": day}).status == "SUCCEEDED"
    name = pipeline.run({"datasets": ["fx_rates"], "start": "2016-06-06", "end": "2016-06-07"}).name
    console = opened(width=360)
    for view in (
        *VIEWS,
        f"executions/{name}",
        f"executions/{name}?batch=0&tab=timeline",
        f"executions/{name}?tab=events",
    ):
        console.open(view)
        expect(console.page.locator("main")).not_to_contain_text("reading")
        assert console.too_wide() == 0, view
    console.open("days")
    gap = console.page.get_by_label("fx_rates").locator("rect.day.bad title").filter(has_text="2016-06-02: missing")
    expect(gap).to_have_count(1)


def test_everything_is_reached_by_keyboard(pipeline: Pipeline, opened: Opened) -> None:
    name = pipeline.run({"datasets": ["fx_rates"], "start": "2016-07-01", "end": "2016-07-01"}).name
    console = opened()
    console.open("executions?text=" + name)
    expect(console.row(name)).to_be_visible()
    press = console.page.keyboard.press
    for _ in range(30):
        press("Tab")
        if name in console.focused():
            break
    press("Enter")
    expect(console.batch(0)).to_be_visible()
    for _ in range(60):
        press("Tab")
        if "2016-07-01" in console.focused() and "fx_rates" in console.focused():
            break
    press("Enter")
    expect(console.batch(0)).to_have_attribute("aria-pressed", "true")
    expect(console.page.locator(".chosen")).to_contain_text("Batch 0")
    press("Escape")
    expect(console.batch(0)).to_have_attribute("aria-pressed", "false")
    console.state("Fetch").focus()
    press("Enter")
    expect(console.page.locator(".attempt")).to_have_count(1)


def test_an_account_with_nothing_in_it_says_so_on_every_view(opened: Opened) -> None:
    """The account is a mock of its answers: an empty lake cannot be had on the emulator that the tests share."""
    with served(empty_account()) as at:
        console = opened(at)
        empty = {
            "executions": "No execution yet.",
            "queue": "Nothing is on the queue",
            "mails": "subscribed to the topic",
            "days": "No day is stored yet.",
            "data/fx_rates": "No day is stored yet.",
            "start": "None chosen means all.",
            "compare": "Choose two executions.",
        }
        for view, words in empty.items():
            console.open(view)
            expect(console.page.get_by_text(words).first).to_be_visible()
            expect(console.page.locator("#alert")).to_be_hidden()
            there = console.page.get_by_role("link", name="In AWS's console")
            if view in ("start", "compare"):
                expect(there).to_be_hidden()
            else:
                expect(there).to_have_attribute("href", re.compile("^https://eu-west-2.console.aws.amazon.com/"))
        console.page.goto(f"{at}#/executions/nowhere")
        expect(console.page.locator("#alert")).to_contain_text("there is no execution")
        console.troubles.clear()  # Chromium names the 404 in its console
