"""What people change in a stack: queries, variables, code, lists, contracts, policies; each with what then must change.

A change edits a copy of the configuration. ``once`` are those that can go into one apply together and still each alone
on what they touch, as far as there is more than one of it; the rest changes everything, or removes what others change.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from infra.client.saved_queries import SavedQuery, saved_queries
from infra.facts import POLICIES, ROOT, function_names
from infra.package.tables import write_tables
from tests.infra.terraform import Terraform

Edit = Callable[[Terraform], None]


@dataclass(frozen=True)
class Change:
    """``touches`` is how the address of something that then must change begins."""

    name: str
    touches: str
    edit: Edit


NOT_CHANGED = {
    "prefix": "names everything: another stack",
    "region": "another stack",
    "local_endpoint": "for tests on the emulator",
    "package_dir": "the folder of the zips, whose contents are changed",
    "force_destroy": "for the end of the tests",
}

VARIABLES: dict[str, tuple[object, str]] = {
    "alert_email": ("other@example.com", "aws_sns_topic_subscription"),
    "parameters": ({"max_concurrency": "3", "log_level": "DEBUG"}, "aws_sfn_state_machine"),
    "schedule_enabled": (False, "aws_scheduler_schedule"),
    "schedule_expression": ("cron(50 18 ? * MON-FRI *)", 'aws_scheduler_schedule.this["evening"]'),
    "morning_run_at": ("07:15", 'aws_scheduler_schedule.this["morning"]'),
    "schedule_timezone": ("Europe/Dublin", "aws_scheduler_schedule"),
    "athena_bytes_cutoff": (2147483648, "aws_athena_workgroup"),
    "quicksight_user": ("somebody-else", "aws_quicksight_data_set"),
    "quicksight_identity_region": ("eu-west-1", "aws_quicksight_data_set"),
    "github_repository": ("somebody/else", "aws_iam_role.github"),
    "github_repository_id": (3, "aws_iam_role.github"),
    "github_owner_id": (4, "aws_iam_role.github"),
    "github_environment": ("another", "aws_iam_role.github"),
    "state_bucket": ("another-bucket", "aws_iam_policy.github"),
    "log_retention_days": (60, "aws_cloudwatch_log_group"),
    "alarms": ("essential", "aws_cloudwatch_metric_alarm"),
    "freshness_hours": (80, "aws_cloudwatch_metric_alarm"),
    "rejected_rows_threshold": (2, "aws_cloudwatch_metric_alarm"),
    "athena_failures_threshold": (5, "aws_cloudwatch_metric_alarm"),
    "unauthorized_calls_threshold": (7, "aws_cloudwatch_metric_alarm"),
    "budget_usd": (25, "aws_budgets_budget"),
    "budget_tagged_only": (True, "aws_budgets_budget"),
    "raw_expire_days": (31, 'aws_s3_bucket_lifecycle_configuration.this["raw"]'),
    "clean_transition_days": (91, 'aws_s3_bucket_lifecycle_configuration.this["clean"]'),
    "clean_expire_days": (181, 'aws_s3_bucket_lifecycle_configuration.this["clean"]'),
    "history_expire_days": (1000, 'aws_s3_bucket_lifecycle_configuration.this["clean"]'),
    "clean_storage_class": ("GLACIER", 'aws_s3_bucket_lifecycle_configuration.this["clean"]'),
    "clean_transition_min_bytes": (131072, 'aws_s3_bucket_lifecycle_configuration.this["clean"]'),
    "manifest_expire_days": (15, "aws_s3_bucket_lifecycle_configuration"),
    "results_expire_days": (2, 'aws_s3_bucket_lifecycle_configuration.this["results"]'),
    "noncurrent_expire_days": (31, "aws_s3_bucket_lifecycle_configuration"),
    "trail_expire_days": (91, 'aws_s3_bucket_lifecycle_configuration.this["trail"]'),
    "constituents_file": ("../../functions/marketlake/contracts/other.csv", "aws_s3_object.lookup"),
    "lambda_runtime": ("python3.12", "aws_lambda_function"),
}

SWEEPING: dict[str, tuple[object, str]] = {
    "github_oidc_provider_exists": (True, "aws_iam_openid_connect_provider"),
    "trail_enabled": (False, "aws_cloudtrail"),
    "budget_enabled": (False, "aws_budgets_budget"),
    "dashboard_enabled": (False, "aws_cloudwatch_dashboard"),
    # Last: the emulator cannot change the tags of GitHub's provider.
    "tags": ({"Team": "another"}, "aws_s3_bucket.this"),
}


def once() -> list[Change]:
    """Changes for one apply: of each query one thing, in turn its text, its description and a parameter's name."""
    kinds = (query_text, query_description, query_parameter)
    queries = [kinds[number % 3](query) for number, query in enumerate(saved_queries()) if query.places]
    return [*queries, *(_variable(name, *VARIABLES[name]) for name in VARIABLES), *_files()]


def each() -> list[Change]:
    """All changes, for an apply each, in this order."""
    queries = [
        kind(query)
        for query in saved_queries()
        for kind in (query_text, query_description, *([query_parameter] if query.places else []))
    ]
    sweeping = [_variable(name, *SWEEPING[name]) for name in SWEEPING]
    return [*queries, *(_variable(name, *VARIABLES[name]) for name in VARIABLES), *_files(), *sweeping]


def query_text(query: SavedQuery) -> Change:
    edit = partial(_edit, f"assets/queries/{query.name}.sql", r"\Z", "LIMIT 1000000\n")
    return Change(f"text of {query.name}", _prepared(query), edit)


def query_description(query: SavedQuery) -> Change:
    edit = partial(_edit, f"assets/queries/{query.name}.sql", r"(?<=-- description: )", "Changed: ")
    return Change(f"description of {query.name}", _prepared(query), edit)


def query_parameter(query: SavedQuery) -> Change:
    name = query.parameters[0].name
    edit = partial(_edit, f"assets/queries/{query.name}.sql", rf"(?m)(?<=^-- parameters:)(.*)\b{name}\b", rf"\1{name}_")
    return Change(f"parameter of {query.name}", _prepared(query), edit)


def _prepared(query: SavedQuery) -> str:
    return f'aws_athena_{"prepared_statement" if query.places else "named_query"}.saved["{query.name}"]'


def _variable(name: str, value: object, touches: str) -> Change:
    def edit(terraform: Terraform) -> None:
        if name == "constituents_file":
            folder = terraform.root / "functions" / "marketlake" / "contracts"
            (folder / "other.csv").write_text(
                (folder / "constituents.csv").read_text("utf-8") + "NEW.L,New,,GBP,2026-01-02,\n", "utf-8"
            )
        if name == "lambda_runtime":
            write_index(_packages(terraform), str(value).removeprefix("python"))
        terraform.set(**{name: value})

    return Change(f"variable {name}", touches, edit)


def _files() -> Iterator[Change]:
    yield Change(
        "code of plan", 'aws_lambda_function.this["plan"]', lambda t: write_zip(_packages(t), "plan", "changed")
    )
    document = "functions/functions.json"
    memory, described = r'(?<="memory_mb": )256(?=,\s*"timeout_seconds": 240)', r'(?<="description": ")(?=Fetches)'
    yield Change("memory of a function", "aws_lambda_function.this", partial(_edit, document, memory, "384"))
    yield Change(
        "description of fetch", 'aws_lambda_function.this["fetch"]', partial(_edit, document, described, "Now ")
    )
    comment = r'(?<="Comment": ")'
    machine = partial(_edit, "statemachine/pipeline.asl.json", comment, "Changed. ")
    yield Change("definition of the state machine", "aws_sfn_state_machine", machine)
    yield Change(
        "currencies",
        "aws_s3_object.symbols",
        partial(_edit, "functions/marketlake/contracts/currencies.csv", r"\Z", "\n"),
    )
    yield Change("membership", 'aws_s3_object.lookup["membership"]', _more_members)
    yield Change("a contract's column", 'aws_glue_catalog_table.this["fx_rates"]', _more_columns)
    yield Change("a view", 'aws_glue_catalog_table.this["ftse100_prices_adjusted"]', _other_view)
    for path in sorted(POLICIES.glob("*.json.tftpl")):
        role = path.name.partition(".")[0]
        touches = (
            f'aws_iam_policy.github["{role[7:]}"]'
            if role.startswith("github_")
            else f'aws_iam_role_policy.this["{role}"]'
        )
        edit = partial(_edit, str(path.relative_to(ROOT)), r'(?<="Sid": ")', "Changed")
        yield Change(f"policy {role}", "aws_iam_role_policy.this" if role == "every_function" else touches, edit)


def _edit(path: str, pattern: str, text: str, terraform: Terraform) -> None:
    """Replace the first match of ``pattern`` in a file of the configuration, which must have one."""
    file = terraform.root / path
    changed, count = re.subn(pattern, text, file.read_text("utf-8"), count=1)
    assert count == 1, f"{path} has nothing like {pattern}"
    file.write_text(changed, "utf-8")


def _more_members(terraform: Terraform) -> None:
    path = terraform.root / "functions" / "marketlake" / "contracts" / "membership.csv"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[-1]]) + "\n", "utf-8")


def _more_columns(terraform: Terraform) -> None:
    path = _packages(terraform) / "tables.json"
    tables = json.loads(path.read_text("utf-8"))
    (table,) = (table for table in tables if table["Name"] == "fx_rates")
    table["StorageDescriptor"]["Columns"].append({"Name": "bid", "Type": "double", "Comment": "A new one"})
    path.write_text(json.dumps(tables), "utf-8")


def _other_view(terraform: Terraform) -> None:
    path = _packages(terraform) / "tables.json"
    text = path.read_text("utf-8")
    assert "WITH paying AS (" in text
    path.write_text(text.replace("WITH paying AS (", "WITH  paying AS ("), "utf-8")


def _packages(terraform: Terraform) -> Path:
    return Path(str(terraform.variables["package_dir"]))


def small_packages(folder: Path) -> None:
    """What Terraform needs of ``make package``, for functions that nobody calls."""
    folder.mkdir()
    for function in function_names():
        write_zip(folder, function, "as built")
    write_tables(folder)
    write_index(folder, "3.13")


def write_zip(folder: Path, function: str, text: str) -> None:
    with zipfile.ZipFile(folder / f"{function}.zip", "w") as bundle:
        bundle.writestr(zipfile.ZipInfo("README"), text)


def write_index(folder: Path, python: str) -> None:
    (folder / "packages.json").write_text(json.dumps({"architecture": "arm64", "python": python}), "utf-8")
