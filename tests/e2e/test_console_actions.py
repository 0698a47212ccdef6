"""What the console starts and stops, in a real Chromium: through a failure to its retry, by keyboard, at 360 px."""

from __future__ import annotations

import csv
import io

import httpx
from playwright.sync_api import expect

from infra.client.target import local_target
from tests.e2e.console_page import ConsolePage, Opened, served
from tests.e2e.pipeline import Pipeline
from tests.unit.lake import PRICES

RATES = {"kind": "status", "status": 429, "match": "/(ecb|frankfurter)/"}
NARROW = 360
HOSTILE = "<img src=x onerror='window.hacked=1'>"


def ask(console: ConsolePage, dataset: str, start: str, end: str) -> None:
    """Fill the form in by keyboard and ask for the preview."""
    console.open("start")
    press = console.page.keyboard.press
    expect(console.page.get_by_label(dataset)).to_be_visible()
    console.tab_to(dataset)
    press("Space")
    for label, day in (("First", start), ("Last, included", end)):
        console.tab_to(label)
        # Chromium's date field takes day by day what is typed, in the order of its language.
        month_first = f"{day[5:7]}{day[8:]}{day[:4]}"
        console.page.keyboard.type(month_first)
        assert console.page.get_by_label(label).input_value() == day
    console.tab_to("Preview …")
    press("Enter")


def test_a_backfill_is_previewed_started_failed_and_retried_by_keyboard_alone_on_a_narrow_screen(
    pipeline: Pipeline, opened: Opened
) -> None:
    console = opened(width=NARROW)
    pipeline.inject(RATES)
    ask(console, "fx_rates", "2014-03-03", "2014-03-07")
    expect(console.dialog()).to_contain_text(f"Start this backfill on emulator at {pipeline.config.endpoint_url}?")
    expect(console.dialog().get_by_role("row").last).to_contain_text("2014-03-03 to 2014-03-07")
    expect(console.dialog()).to_contain_text("5 days in 1 batch")
    assert console.too_wide() == 0
    press = console.page.keyboard.press
    press("Escape")
    expect(console.dialog()).to_have_count(0)
    before = console.page.url
    press("Enter")  # the focus is on the button again
    expect(console.dialog()).to_contain_text("5 days in 1 batch")
    console.tab_to("Start the backfill")
    assert console.page.url == before
    press("Enter")
    expect(console.status()).to_contain_text("failed")
    name = console.page.url.rpartition("/")[2]
    assert name.startswith("backfill-")
    assert console.too_wide() == 0

    pipeline.inject()
    console.tab_to("Retry …")
    press("Enter")
    expect(console.dialog()).to_contain_text("would start")
    assert console.too_wide() == 0
    console.tab_to("Retry")
    press("Enter")
    expect(console.page.locator(".note .pill")).to_contain_text("succeeded")
    assert console.too_wide() == 0
    assert pipeline.texts("dlq") == []
    console.tab_to("redrive-")
    press("Enter")
    expect(console.status()).to_contain_text("succeeded")
    there = pipeline.query("SELECT DISTINCT dt FROM fx_rates WHERE dt LIKE '2014-03-%' ORDER BY dt")
    assert [row[0] for row in there] == [f"2014-03-0{day}" for day in range(3, 8)]

    ask(console, "fx_rates", "2014-03-03", "2014-03-07")
    expect(console.page.get_by_text("Nothing is left to do")).to_be_visible()
    ask(console, "fx_rates", "2014-03-07", "2014-03-03")
    expect(console.page.get_by_role("alert")).to_contain_text("start 2014-03-07 is after end 2014-03-03")
    console.troubles.clear()  # Chromium names the 404 in its console


def test_a_running_execution_is_stopped_and_retried_and_both_are_compared(pipeline: Pipeline, opened: Opened) -> None:
    # No attempt gets an answer, so however slow the machine is, nothing is loaded before the stop.
    pipeline.inject({"kind": "hang", "match": "/(ecb|frankfurter)/", "seconds": 6})
    name = pipeline.start({"datasets": ["fx_rates"], "start": "2014-04-01", "end": "2014-04-02"}).rpartition(":")[2]
    console = opened(width=NARROW)
    console.open(f"executions/{name}")
    console.tab_to("Stop …")
    press = console.page.keyboard.press
    press("Enter")
    expect(console.dialog()).to_contain_text(f"Stop {name} on emulator")
    console.tab_to("Stop it")
    press("Enter")
    expect(console.status()).to_contain_text("stopped")
    expect(console.page.locator(".outcome")).to_contain_text("stopped by a person, on the page")
    pipeline.inject()
    console.tab_to("Retry …")
    press("Enter")
    expect(console.dialog()).to_contain_text(f"retry-{name}-1 would start")
    console.tab_to("Retry")
    press("Enter")
    expect(console.page.locator(".note .pill")).to_contain_text("succeeded")
    console.tab_to("Compare …")
    press("Enter")
    console.page.get_by_label("Second").select_option(f"retry-{name}-1")
    status = console.page.get_by_role("group", name="Executions").get_by_role("row").filter(has_text="status")
    expect(status).to_contain_text("stopped")
    expect(status).to_contain_text("succeeded")
    expect(status).to_contain_text("≠")
    expect(console.page.get_by_role("group", name="Batches")).to_contain_text("fx_rates 2014-04-01 to 2014-04-02")
    assert console.too_wide() == 0


def test_the_queue_is_run_again_and_emptied_by_keyboard_alone(pipeline: Pipeline, opened: Opened) -> None:
    pipeline.inject(RATES)
    assert pipeline.run({"datasets": ["fx_rates"], "start": "2014-07-01", "end": "2014-07-01"}).status == "FAILED"
    pipeline.inject()
    queue = pipeline.aws("sqs").get_queue_url(QueueName=pipeline.name("dlq"))["QueueUrl"]
    pipeline.aws("sqs").send_message(QueueUrl=queue, MessageBody=HOSTILE)
    console = opened(width=NARROW)
    console.open("queue")
    expect(console.letters()).to_have_count(2)
    press = console.page.keyboard.press
    console.tab_to("all messages")
    press("Space")
    console.tab_to("Run 1 again …")
    press("Enter")
    expect(console.dialog()).to_contain_text("Start 1 execution on emulator")
    assert console.too_wide() == 0
    console.tab_to("Start 1 execution")
    press("Enter")
    expect(console.page.locator(".note .pill")).to_contain_text("succeeded")
    expect(console.letters()).to_have_count(1)
    console.tab_to("Delete 1 …")
    press("Enter")
    console.tab_to("Delete 1 message")
    press("Enter")
    expect(console.page.get_by_text("Nothing is on the queue")).to_be_visible()
    assert console.page.evaluate("window.hacked ?? 'inert'") == "inert"
    assert console.too_wide() == 0


def test_the_data_shows_days_a_chart_quarantine_flags_and_actions(pipeline: Pipeline, opened: Opened) -> None:
    pipeline.act({"symbol": "AZN.L", "day": "2014-05-07", "dividend": 1.5})
    window = {"datasets": ["ftse100_prices"], "start": "2014-05-06", "end": "2014-05-09"}
    assert pipeline.run(window).status == "SUCCEEDED"
    key = "quarantine/ftse100_prices/execution=hostile/batch-0.csv"
    row = dict.fromkeys(["dt", *(column.name for column in PRICES.columns if column.name != "flags"), "reason"], "")
    row |= {"dt": "2014-05-07", "ticker": HOSTILE, "reason": HOSTILE}
    text = io.StringIO()
    writer = csv.DictWriter(text, row)
    writer.writeheader()
    writer.writerow(row)
    pipeline.aws("s3").put_object(Bucket=pipeline.name("raw_bucket"), Key=key, Body=text.getvalue())
    console = opened(width=NARROW)
    console.open("data/ftse100_prices?symbol=AZN.L&start=2014-05-06&end=2014-05-09")
    chart = console.page.get_by_role("group", name="AZN.L, close, 2014-05-06 to 2014-05-09: 4 days")
    expect(chart.locator("path.series")).to_be_visible()
    chart.focus()
    console.page.keyboard.press("Home")
    expect(console.page.locator(".values")).to_contain_text("2014-05-06: ")
    console.tab_to("Symbol", back=True)
    console.tab_to("From")
    console.page.keyboard.type("05072014")
    console.page.keyboard.press("Enter")
    expect(console.page.get_by_role("group", name="AZN.L, close, 2014-05-07 to 2014-05-09: 3 days")).to_be_visible()
    days = console.page.get_by_role("group", name="Latest days").get_by_role("row")
    expect(days).to_have_count(4)
    expect(days.nth(1)).to_contain_text("2014-05-09")
    # A penny and a half for a share of pounds: the amount is in doubt, and the flag says why.
    action = console.page.get_by_role("group", name="Corporate actions").get_by_role("row").filter(has_text="AZN.L")
    expect(action).to_contain_text("in doubt")
    flags = console.page.get_by_role("group", name="Values in doubt").get_by_role("row").filter(has_text="AZN.L")
    expect(flags).to_contain_text("2014-05-07")
    expect(flags).to_contain_text("dividend_size: a dividend too large or too small")
    console.tab_to("Show")
    console.page.keyboard.press("Enter")
    quarantine = console.page.get_by_role("group", name="Quarantine")
    expect(quarantine.get_by_role("row").last).to_contain_text(HOSTILE)
    assert console.page.evaluate("window.hacked ?? 'inert'") == "inert"
    assert console.page.locator("main img, main script").count() == 0
    assert console.too_wide() == 0


def test_a_mail_leads_here_and_a_console_that_may_only_read_has_no_actions(pipeline: Pipeline, opened: Opened) -> None:
    topic = pipeline.aws("sns").create_topic(Name=pipeline.name("topic"))["TopicArn"]
    name = pipeline.run({"datasets": ["fx_rates"], "start": "2014-06-02", "end": "2014-06-02"}).name
    arn = topic.replace(":sns:", ":states:").rpartition(":")[0] + f":execution:{pipeline.name('state_machine')}:{name}"
    link = f"https://eu-west-2.console.aws.amazon.com/states/home?region=eu-west-2#/v2/executions/details/{arn}"
    pipeline.aws("sns").publish(TopicArn=topic, Subject="<b>x</b>", Message=f"THE EXECUTION: {link}")
    with served(local_target(pipeline.config.root), read_only=True) as at:
        console = opened(at)
        console.open("mails")
        console.page.locator(".mails summary").click()
        console.page.get_by_role("link", name=f"Open {name}").click()
        expect(console.status()).to_contain_text("succeeded")
        expect(console.page.get_by_role("link", name="Compare …")).to_be_visible()
        for words in ("Start …", "Stop …", "Retry …", "Start like this …"):
            expect(console.page.get_by_text(words, exact=True).locator("visible=true")).to_have_count(0)
        console.open("queue")
        expect(console.page.get_by_role("button", name="Delete")).to_have_count(0)
        console.open("start")
        expect(console.page.get_by_text("This console may only read")).to_be_visible()
        refused = httpx.post(f"{at}api/start", json={"request": {}}, headers={"Origin": at.rstrip("/")})
        assert (refused.status_code, "--read-only" in refused.text) == (403, True)
        console.page.close()  # before the server that it asks
