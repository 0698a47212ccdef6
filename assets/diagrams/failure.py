"""What runs when something fails, from the call that failed to the command that runs it again."""

from __future__ import annotations

from diagrams import Cluster
from diagrams.aws.compute import Lambda
from diagrams.aws.general import User
from diagrams.aws.integration import SNS, SQS, EventbridgeRule, EventbridgeScheduler, StepFunctions
from diagrams.aws.management import CloudwatchAlarm
from diagrams.aws.storage import S3

from assets.diagrams.drawing import BOX, Drawing, arrow, caught, icon
from infra.client.machine import shipped_machine
from infra.facts import parameters


def draw() -> Drawing:
    """The picture."""
    look_back = parameters()["look_back_days"]
    with Drawing("TB", nodesep="0.5", ranksep="0.45") as made:
        fails = icon(Lambda, "a batch fails", "in Fetch, Validate,", "Transform or AthenaCheck")
        rejected = icon(Lambda, "a day is rejected", "too many of its rows", "break the contract")
        refused = icon(Lambda, "the input is refused", "FAILED at once,", "nothing was written")
        again = icon(StepFunctions, "tried again", *_retries())
        with Cluster("the execution goes on", graph_attr={**BOX, "labelloc": "b", "labeljust": "l"}):
            queue = icon(SQS, "dead-letter queue", "what failed, why, and", "the input that runs it again")
            rest = icon(S3, "all the rest is loaded", "other batches and days", "go on and are marked done")
        report = icon(Lambda, "Report", "counts what was loaded", "and what failed")
        rule = icon(EventbridgeRule, "timed out, or stopped", "which no Catch sees")
        topic = icon(SNS, "a mail", "what failed, why,", "and what to run")
        alarm = icon(CloudwatchAlarm, "alarms", "an execution failed, the queue", "is not empty, no success for days")
        person = icon(User, "you", "marketlake retry NAME")
        daily = icon(EventbridgeScheduler, "the next daily run", f"looks back {look_back} days")
        anew = icon(StepFunctions, "a new execution", "leaves out what is done")
        fails >> caught("  throttled, unavailable, malformed, timed out ...") >> again
        again >> arrow("  succeeded") >> rest
        rejected >> caught("  not tried again") >> queue
        refused >> caught() >> alarm
        again >> caught("  tries used up, or an error\\l  that would come again\\l") >> queue
        queue >> arrow() >> report
        rest >> arrow() >> report
        report >> caught("  one an execution,\\l  which is FAILED\\l") >> topic
        rule >> caught() >> topic
        alarm >> caught() >> topic
        topic >> arrow() >> person
        person >> arrow("  StartExecution,\\l  named after the message\\l") >> anew
        daily >> arrow("  by itself") >> anew
    return made


def _retries() -> tuple[str, str]:
    """How often, and after which waits at most, a batch's function is called again; two lines."""
    longest: dict[str, float] = {}
    for rule in shipped_machine().state("Fetch").body["Retry"]:
        waits = [rule["IntervalSeconds"] * rule["BackoffRate"] ** number for number in range(rule["MaxAttempts"])]
        longest |= dict.fromkeys(rule["ErrorEquals"], sum(waits))
    seconds, throttled, late = (
        longest[name] for name in ("UpstreamUnavailable", "UpstreamThrottled", "NotYetPublished")
    )
    return f"3 times in {seconds:g} s; in {throttled / 60:g} min", f"after a 429, {late / 60:g} min for a late day"
