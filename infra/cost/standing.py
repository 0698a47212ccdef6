"""What costs money each month whether or not anything runs: alarms, the dashboard, the zips, CloudTrail."""

from __future__ import annotations

from infra import facts
from infra.cost.bill import together
from infra.cost.tables import DAYS_A_MONTH, GB, HOURS_A_MONTH, assumed
from marketlake.contract import dataset_names

ALARMS = {
    "executions: failed, timed out, throttled": 3,
    "freshness": 1,
    "depth of the dead-letter queue": 1,
    "Athena failures": 1,
    "refused API calls": 1,
}
ALARMS_A_FUNCTION = ("errors", "throttles", "duration")
ALARMS_A_DATASET = ("rejected rows",)
"""The alarms of ``infra/terraform/alarms.tf``, one block of it each."""


def alarms() -> int:
    """Number of alarms that Terraform makes."""
    of_functions = len(ALARMS_A_FUNCTION) * len(facts.function_names())
    return sum(ALARMS.values()) + of_functions + len(ALARMS_A_DATASET) * len(dataset_names())


def standing() -> dict[str, float]:
    """Quantities of a month in which nothing runs.

    Not in it because it costs nothing: the first copy of management events, the budget, the rule on AWS's own events,
    keys (SSE-S3), the mails of alarms that do not go off.
    """
    zips = assumed("packages_gb") * assumed("package_versions")
    return together({"alarm": alarms(), "dashboard": 1, "s3_standard": zips}, trail())


def trail() -> dict[str, float]:
    """CloudTrail's month: its files in the bucket, an hourly digest in each region among them, and its log group."""
    files = (assumed("trail_regions") + assumed("trail_files_an_hour")) * HOURS_A_MONTH
    kept = (assumed("trail_days") + assumed("noncurrent_days")) / DAYS_A_MONTH
    logs = assumed("trail_events_a_month") * assumed("trail_event_bytes") / GB
    return {
        "s3_put": files,
        "s3_standard": files * assumed("trail_file_bytes") / GB * kept,
        "log_gb": logs,
        "log_gb_month": logs * assumed("log_days") / DAYS_A_MONTH,
    }
