"""Bad values are refused by the variables' own rules, before any provider is asked, with the rule in the message.

A validation sees variables only, so the variable files are planned by themselves: no provider, no AWS, a tenth of a
second a plan.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from infra import facts
from infra.facts import ROOT
from tests.infra.terraform import Terraform

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform-variables")]

EMAIL = {"alert_email": "data-team@example.com"}
BLOCK = re.compile(r'^variable "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
COMMENTED = re.compile(r"^# (\w+ += .*)$", re.MULTILINE)

PREFIX_RULE = "3 to 25 lower-case letters, digits and single hyphens"
EMAIL_RULE = "alert_email must be one e-mail address"
CRON_RULE = "six fields, of which day-of-month or day-of-week, and not both, is ?"
REGION_RULE = "region must be an AWS region code such as eu-west-2"
ADDRESS_RULE = "must be http or https URLs without user, query or fragment"
PROXY_RULE = "upstream_proxy in parameters must be a proxy's http or https URL"
PACE_RULE = "requests_per_second in parameters must be a number of charts"
ENDPOINT_RULE = "local_endpoint must be a loopback address"

REFUSED = [
    ("prefix", "ml", PREFIX_RULE),
    ("prefix", "MarketLake", PREFIX_RULE),
    ("prefix", "market_lake", PREFIX_RULE),
    ("prefix", "market--lake", PREFIX_RULE),
    ("prefix", "marketlake-", PREFIX_RULE),
    ("prefix", "m" * 26, PREFIX_RULE),
    ("alert_email", "nobody", EMAIL_RULE),
    ("alert_email", "a@localhost", EMAIL_RULE),
    ("alert_email", "a@example.com,b@example.com", EMAIL_RULE),
    ("schedule_expression", "45 18 * * 1-5", CRON_RULE),
    ("schedule_expression", "cron(45 18 ? * MON-FRI)", CRON_RULE),
    ("schedule_expression", "cron(45 18 * * MON-FRI *)", CRON_RULE),
    ("schedule_expression", "cron(45 18 ? * ? *)", CRON_RULE),
    ("schedule_expression", "cron(60 18 ? * MON-FRI *)", CRON_RULE),
    ("schedule_expression", "cron(45 24 ? * MON-FRI *)", CRON_RULE),
    ("schedule_expression", "rate(1 minutes)", CRON_RULE),
    ("schedule_timezone", "GMT+1", "schedule_timezone must be a name of the IANA time zone database"),
    ("clean_expire_days", "60", "greater than clean_transition_days: an object cannot be removed before it moves"),
    ("clean_transition_days", "180", "greater than clean_transition_days: an object cannot be removed before it moves"),
    ("raw_expire_days", "180", "greater than raw_expire_days: clean data outlives the raw data"),
    ("results_expire_days", "0", "results_expire_days must be a whole number of days, at least 1"),
    ("noncurrent_expire_days", "1.5", "noncurrent_expire_days must be a whole number of days, at least 1"),
    ("history_expire_days", "179", "must be 0, for ever, or at least clean_expire_days"),
    ("history_expire_days", "-1", "history_expire_days must be a whole number of days, or 0 for ever"),
    ("history_expire_days", "365.5", "history_expire_days must be a whole number of days, or 0 for ever"),
    ("clean_storage_class", "STANDARD_IA", "clean_storage_class must be GLACIER_IR (Athena still finds the rows)"),
    ("region", "london", REGION_RULE),
    ("region", "eu-west", REGION_RULE),
    ("region", "EU-WEST-2", REGION_RULE),
    ("morning_run_at", "6:30", "morning_run_at must be a time of day such as 06:30"),
    ("morning_run_at", "24:00", "morning_run_at must be a time of day such as 06:30"),
    ("parameters", '{yahoo_base_url = "ftp://mirror.example.com"}', ADDRESS_RULE),
    ("parameters", '{ecb_base_url = "https://mirror.example.com/x?key=1"}', ADDRESS_RULE),
    ("parameters", '{upstream_proxy = "proxy.example.com:3128"}', PROXY_RULE),
    ("parameters", '{upstream_proxy = "http://user:word@proxy.example.com:3128"}', PROXY_RULE),
    ("parameters", '{requests_per_second = "-1"}', PACE_RULE),
    ("parameters", '{requests_per_second = "many"}', PACE_RULE),
    ("parameters", '{upstream_proxy = "socks5://proxy.example.com:1080"}', PROXY_RULE),
    ("parameters", '{look_back = "7"}', "parameters may name only keys of statemachine/parameters.json"),
    ("local_endpoint", "http://example.com:4566", ENDPOINT_RULE),
    ("local_endpoint", "127.0.0.1:4566", ENDPOINT_RULE),
    ("constituents_file", "../../absent.csv", "constituents_file must be an existing .csv file"),
    ("lambda_runtime", "python3.9", "lambda_runtime must be python3.11 or later"),
    ("log_retention_days", "31", "log_retention_days must be one of the numbers CloudWatch Logs accepts"),
    ("freshness_hours", "200", "freshness_hours must be a whole number from 1 to 168"),
    ("alarms", "none", "alarms must be essential or all"),
    ("budget_usd", "0", "budget_usd must be at least 1 dollar"),
    ("tags", '{"aws:team" = "data"}', "none starting with aws:"),
    ("athena_bytes_cutoff", "1000", "at least 10485760 (10 MB, Athena's own minimum)"),
    ("github_repository", "marketlake", "github_repository must be owner/name"),
    ("github_repository", "octocat/marketlake", "github_repository_id must be the repository's number when"),
    ("github_repository", "octocat/marketlake", "github_owner_id must be the number of the repository's owner when"),
    (
        "quicksight_identity_region",
        "virginia",
        "quicksight_identity_region must be an AWS region code such as us-east-1",
    ),
]

ACCEPTED = [
    ("prefix", "m" * 25),
    ("prefix", "team-2-lake"),
    ("alert_email", "first.last+aws@mail.example.co.uk"),
    ("schedule_expression", "rate(1 minute)"),
    ("schedule_expression", "rate(12 hours)"),
    ("schedule_expression", "cron(0/15 8-17 ? * 2-6 *)"),
    ("schedule_expression", "cron(45 18 L * ? 2027)"),
    ("schedule_timezone", "America/Argentina/Buenos_Aires"),
    ("clean_expire_days", "91"),
    ("history_expire_days", "180"),
    ("region", "us-gov-west-1"),
    ("region", "ap-southeast-2"),
    ("morning_run_at", "00:05"),
    (
        "parameters",
        '{upstream_proxy = "http://proxy.example.com:3128", ecb_base_url = "https://mirror.example.com/ecb"}',
    ),
    ("parameters", '{max_concurrency = "4", fx_base = "USD"}'),
    ("parameters", '{requests_per_second = "0.5"}'),
    ("local_endpoint", "http://[::1]:4566"),
]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """The configuration's variables and nothing else of it."""
    terraform = Terraform(tmp_path_factory.mktemp("variables"), {}, {})
    for path in terraform.folder.glob("*.tf"):
        if not path.name.startswith("variables"):
            path.unlink()
    terraform.init()
    return terraform


def plan(rules: Terraform, **values: str) -> subprocess.CompletedProcess[str]:
    arguments = [f"-var={name}={value}" for name, value in (EMAIL | values).items()]
    return rules.run("plan", "-input=false", *arguments, check=False)


@pytest.mark.parametrize(("name", "value", "rule"), REFUSED)
def test_a_bad_value_is_refused_with_the_rule(rules: Terraform, name: str, value: str, rule: str) -> None:
    done = plan(rules, **{name: value})
    assert done.returncode == 1
    assert rule in " ".join(done.stderr.split())  # Terraform breaks lines


@pytest.mark.parametrize(("name", "value"), ACCEPTED)
def test_a_good_value_is_accepted(rules: Terraform, name: str, value: str) -> None:
    done = plan(rules, **{name: value})
    assert done.returncode == 0, done.stderr


def test_a_currency_that_the_contract_does_not_know_is_refused_with_its_line(rules: Terraform) -> None:
    path = rules.folder / "own_list.csv"
    rows = "BP.L,GBP,2000-01-01,\nX.L,SEK,2000-01-01,\n"
    path.write_text(f"ticker,currency,valid_from,valid_to\n{rows}", "utf-8")
    done = plan(rules, constituents_file=str(path))
    assert "line 3: SEK. Accepted are EUR, GBP and USD" in " ".join(done.stderr.replace("│", " ").split())
    path.write_text(path.read_text("utf-8").replace("SEK", "EUR"), "utf-8")
    assert plan(rules, constituents_file=str(path)).returncode == 0


def test_only_the_mail_address_has_no_default(rules: Terraform) -> None:
    done = rules.run("plan", "-input=false", check=False)
    assert re.findall(r'"(\w+)" is not set', done.stderr) == ["alert_email"]


def test_the_example_is_accepted_as_it_is_and_with_every_line_in_force(rules: Terraform) -> None:
    example = (ROOT / "terraform.tfvars.example").read_text("utf-8")
    assert _accepts(rules, example)
    everything = COMMENTED.sub(r"\1", example)
    assert everything.count("\n# ") < example.count("\n# ")
    (rules.folder.parents[1] / "my_constituents.csv").write_text("ticker,company,sector,valid_from,valid_to\n", "utf-8")
    assert _accepts(rules, everything)


def _accepts(rules: Terraform, variables: str) -> bool:
    path = rules.folder.parent / "terraform.tfvars"
    path.write_text(variables, "utf-8")
    done = rules.run("plan", "-input=false", f"-var-file={path}", check=False)
    # A name that no variable has is a warning only.
    return done.returncode == 0 and "undeclared" not in done.stdout + done.stderr


@pytest.mark.parametrize("workflow", ["plan", "deploy"])
def test_a_workflow_passes_what_githubs_roles_are_made_from(workflow: str) -> None:
    text = (ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text("utf-8")
    passed = yaml.safe_load(text)["jobs"][workflow]["env"]
    assert {name: passed.get(f"TF_VAR_github_{name}") for name in ("repository", "repository_id", "owner_id")} == {
        "repository": "${{ github.repository }}",
        "repository_id": "${{ github.repository_id }}",
        "owner_id": "${{ github.repository_owner_id }}",
    }


LOCALS = re.compile(r"^locals \{\n.*?^\}", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("days", "markers", "years"), [("0", None, None), ("180", 180, 181)], ids=["for ever", "for half a year"]
)
def test_the_history_is_kept_for_ever_or_no_marker_outlives_its_year(
    rules: Terraform, days: str, markers: int | None, years: int | None
) -> None:
    found = LOCALS.search((ROOT / "infra" / "terraform" / "lifecycle.tf").read_text("utf-8"))
    assert found is not None
    path = rules.folder / "lifecycle.tf"
    path.write_text(f'{found[0]}\noutput "rules" {{ value = local.expiry_rules["clean"] }}\n', "utf-8")
    try:
        rules.run(
            "plan",
            "-input=false",
            "-out=rules.tfplan",
            f"-var=alert_email={EMAIL['alert_email']}",
            f"-var=history_expire_days={days}",
        )
        planned = json.loads(rules.run("show", "-json", "rules.tfplan").stdout)["planned_values"]["outputs"]["rules"]
    finally:
        path.unlink()
    kept = {rule["prefix"]: rule["days"] for rule in planned["value"]}
    assert (kept.get("markers/"), kept.get("by_year/")) == (markers, years)
    assert kept["clean/"] == 180


NEEDED = """locals {
  root      = "${path.module}/../.."
  functions = jsondecode(file("${local.root}/functions/functions.json")).functions
  folder    = "${local.root}/functions/marketlake/contracts"
  contracts = { for path in fileset(local.folder, "*.json") : path => jsondecode(file("${local.folder}/${path}")) }
}
output "memory" { value = local.memory_mb }
"""


@pytest.mark.parametrize("lines", [100, 1_000, 1_001, 10_000])
def test_the_functions_have_memory_for_the_longest_list(rules: Terraform, lines: int) -> None:
    """The emulator gives the same (``infra.facts``), and a new account's functions may have no more than 3,008 MB:
    https://github.com/alexcasalboni/aws-lambda-power-tuning/pull/181"""
    listed = rules.folder / "long.csv"
    rows = "".join(f"S{number}.L,2020-01-01,\n" for number in range(lines))
    listed.write_text(f"ticker,valid_from,valid_to\n{rows}", "utf-8")
    path = rules.folder / "memory.tf"
    path.write_text((ROOT / "infra" / "terraform" / "memory.tf").read_text("utf-8") + NEEDED, "utf-8")
    try:
        variables = (f"-var=alert_email={EMAIL['alert_email']}", f"-var=constituents_file={listed}")
        rules.run("plan", "-input=false", "-out=memory.tfplan", *variables)
        shown = json.loads(rules.run("show", "-json", "memory.tfplan").stdout)
    finally:
        path.unlink()
    memory = shown["planned_values"]["outputs"]["memory"]["value"]
    functions = facts.functions_file()["functions"]
    assert memory == {name: facts.memory_mb(function, lines) for name, function in functions.items()}
    assert max(memory.values()) <= 3_008
    assert lines > 1_000 or memory == {name: function["memory_mb"] for name, function in functions.items()}


def test_every_variable_is_typed_described_and_validated() -> None:
    found = {name: body for path in _files() for name, body in BLOCK.findall(path.read_text("utf-8"))}
    assert len(found) == sum(path.read_text("utf-8").count('variable "') for path in _files())
    for name, body in found.items():
        assert re.search(r"^  type +=", body, re.MULTILINE), name
        assert len(re.findall(r'^  description += "(.{20,})"$', body, re.MULTILINE)) == 1, name
        assert "validation {" in body or re.search(r"^  type += bool$", body, re.MULTILINE), name


def _files() -> list[Path]:
    return sorted((ROOT / "infra" / "terraform").glob("variables*.tf"))
