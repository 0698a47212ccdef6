"""What runs in the account: from the schedule and the sources to the lake, its questions, and what watches over it."""

from __future__ import annotations

from diagrams import Cluster
from diagrams.aws.analytics import Athena, GlueDataCatalog, Quicksight
from diagrams.aws.compute import Lambda
from diagrams.aws.cost import Budgets
from diagrams.aws.general import InternetAlt1, User
from diagrams.aws.integration import SNS, SQS, EventbridgeRule, EventbridgeScheduler, StepFunctions
from diagrams.aws.management import Cloudtrail, Cloudwatch, CloudwatchAlarm
from diagrams.aws.storage import S3

from assets.diagrams.drawing import BOX, Drawing, arrow, caught, icon
from infra.client.machine import shipped_machine


def draw() -> Drawing:
    """The picture."""
    with Drawing("TB", compound="true", ordering="out", nodesep="0.25", ranksep="0.45") as made:
        sources = icon(InternetAlt1, "sources", "Yahoo Finance, the ECB,", "Frankfurter")
        daily = icon(EventbridgeScheduler, "EventBridge Scheduler", "every weekday evening")
        person = icon(User, "engineer", "marketlake backfill, retry")
        pipeline = icon(StepFunctions, "Step Functions", "one state machine: retries,", "catches, batches at once")
        with Cluster("functions, a policy each", graph_attr=BOX) as functions:
            lambdas = {name: icon(Lambda, name) for name in _functions()}
        with Cluster("the lake (S3)", graph_attr={**BOX, "labelloc": "b"}):
            raw = icon(S3, "raw", "as received")
            quarantine = icon(S3, "quarantine", "rejected rows")
            clean = icon(S3, "clean", "Parquet by day and year")
            markers = icon(S3, "markers", "days that are done")
        queue = icon(SQS, "dead-letter queue", "what to run again")
        topic = icon(SNS, "SNS", "one mail a failure")
        glue = icon(GlueDataCatalog, "Glue", "tables, projected partitions")
        athena = icon(Athena, "Athena", "saved queries, checks")
        board = icon(Quicksight, "QuickSight", "dashboard, optional")
        with Cluster("watching", graph_attr=BOX):
            alarms = icon(CloudwatchAlarm, "alarms")
            icon(Cloudwatch, "CloudWatch", "logs, dashboard")
            rule = icon(EventbridgeRule, "EventBridge rule", "timed out, stopped")
            mails = icon(StepFunctions, "Step Functions", "mails about these")
            icon(Cloudtrail, "CloudTrail")
            icon(Budgets, "budget")
        sources >> arrow(weight="0", minlen="2") >> lambdas["Fetch"]
        [daily, person] >> arrow() >> pipeline
        for name, function in lambdas.items():
            # One arrow stands for all; the others keep the functions below it.
            shown = {"lhead": functions.name} if name == "Transform" else {"style": "invis"}
            pipeline >> arrow(**shown) >> function
        lambdas["Fetch"] >> arrow() >> raw
        lambdas["Validate"] >> arrow() >> quarantine
        lambdas["Transform"] >> arrow() >> clean
        lambdas["AthenaCheck"] >> arrow() >> markers
        clean >> arrow() >> glue >> arrow() >> athena >> arrow() >> board
        pipeline >> caught("  a batch failed", minlen="3") >> queue
        pipeline >> caught("  the execution failed", minlen="3") >> topic
        topic << caught() << [alarms, mails]
        mails << caught() << rule
    return made


def _functions() -> list[str]:
    """The states that call a function, in the order of the definition; of several that call one, the last."""
    return [
        *{state.function: state.name for state in shipped_machine().everywhere() if state.kind == "Lambda"}.values()
    ]
