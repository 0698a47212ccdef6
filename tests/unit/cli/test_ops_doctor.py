from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from typer.main import get_command

from infra import facts
from infra.cli import doctor
from infra.cli.doctor import deployed_check, deployment_checks, folder_check, local_checks, packages_check
from infra.cli.main import app, main
from infra.cli.options import Setup
from infra.client.live import Addresses, Probe
from infra.client.target import Target, aws_target
from infra.local import config as configs
from infra.local import deploy, processes
from infra.local.config import LocalConfig
from infra.package.tables import table_input, year_table_input
from marketlake.contract import dataset_names
from marketlake.history import DAYS
from marketlake.layout import config_key, year_key
from tests.unit.cli.conftest import Command

ROLE = "arn:aws:iam::123456789012:role/any"


@pytest.fixture
def deployed(target: Target) -> Target:
    """Everything that doctor looks for, as far as moto has it."""
    session, names = target.session, target.names
    for file in ("constituents.csv", "currencies.csv"):
        target.s3.put_object(Bucket=names["artifacts_bucket"], Key=config_key(file), Body=b"x")
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = session.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    for function in facts.function_names():
        target.lambdas.create_function(
            FunctionName=facts.function_name("marketlake", function),
            Role=role,
            Handler="h",
            Runtime="python3.13",
            Code={"ZipFile": b"PK\x05\x06" + b"\0" * 18},
        )
    target.states.create_state_machine(
        name=names["state_machine"],
        roleArn=ROLE,
        definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
    )
    target.glue.create_database(DatabaseInput={"Name": names["database"]})
    for name in dataset_names():
        for make in (table_input, year_table_input):
            table: Any = make(name, names["clean_bucket"])
            target.glue.create_table(DatabaseName=names["database"], TableInput=table)
    target.athena.create_work_group(Name=names["workgroup"])
    target.sqs.create_queue(QueueName=names["dlq"])
    for schedule in ("schedule", "morning_schedule"):
        target.scheduler.create_schedule(
            Name=names[schedule],
            ScheduleExpression="rate(1 days)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": target.state_machine_arn, "RoleArn": ROLE},
        )
    return target


def verdicts(target: Target) -> dict[str, str]:
    return {check.check: check.status for check in deployment_checks(target)}


def test_a_whole_deployment_has_nothing_wrong(deployed: Target, command: Command) -> None:
    assert set(verdicts(deployed).values()) == {"ok"}
    printed = command("doctor", "--json")
    assert printed.status == 0, printed.out
    assert {
        "check": "credentials",
        "status": "ok",
        "found": "account 123456789012, eu-west-2",
        "advice": "",
    } in printed.document


def test_an_empty_account_lacks_the_rest_and_doctor_fails(target: Target, command: Command) -> None:
    target.athena.create_work_group(Name="marketlake")  # about one that is missing, moto answers nothing
    found = verdicts(target)
    assert {name for name, status in found.items() if status == "ok"} == {
        *(f"{kind} bucket" for kind in ("raw", "clean", "results", "artifacts")),
        *(f"history {name}" for name in dataset_names()),
        "Athena workgroup",
        "morning schedule",  # there may be none
    }
    printed = command("doctor")
    assert printed.status == 1
    assert "make deploy" in printed.out


@pytest.mark.parametrize("make", [table_input, year_table_input])
def test_a_table_that_is_not_what_the_contract_says_fails(deployed: Target, make: Callable[..., Any]) -> None:
    table = make("fx_rates", deployed.names["clean_bucket"])
    next(column for column in table["StorageDescriptor"]["Columns"] if column["Name"] == "rate")["Type"] = "string"
    deployed.glue.update_table(DatabaseName="marketlake", TableInput=table)
    (check,) = (c for c in deployment_checks(deployed) if c.status == "failed")
    assert check.check == f"table {table['Name']}"
    assert "rate" in check.found


def test_a_checked_day_that_its_year_does_not_hold_fails(deployed: Target, store: Callable[..., None]) -> None:
    store("fx_rates", date(2026, 1, 2), clean=False)
    assert set(verdicts(deployed).values()) == {"ok"}
    store("fx_rates", date(2026, 1, 5), history=False)
    (check,) = (c for c in deployment_checks(deployed) if c.status == "failed")
    assert check.check == "history fx_rates"
    assert "1 days were checked, and are not in it: the first is 2026-01-05" in check.found
    load = "marketlake backfill --start 2026-01-05 --end 2026-01-05 --dataset fx_rates"
    assert check.advice == f"marketlake restore fx_rates 2026; else: {load}"


def test_a_year_that_does_not_say_its_days_fails(deployed: Target) -> None:
    deployed.bucket("clean").put(year_key("fx_rates", 2026), b"x", "text/plain", metadata={DAYS: "x"})
    (check,) = (c for c in deployment_checks(deployed) if c.status == "failed")
    assert (check.check, "marketlake restore fx_rates 2026" in check.advice) == ("history fx_rates", True)


def test_messages_on_the_queue_and_a_schedule_switched_off_are_warnings(deployed: Target) -> None:
    url = deployed.sqs.get_queue_url(QueueName=deployed.names["dlq"])["QueueUrl"]
    deployed.sqs.send_message(QueueUrl=url, MessageBody="{}")
    deployed.scheduler.update_schedule(
        Name=deployed.names["schedule"],
        ScheduleExpression="rate(1 days)",
        State="DISABLED",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": deployed.state_machine_arn, "RoleArn": ROLE},
    )
    found = verdicts(deployed)
    assert {name for name, status in found.items() if status != "ok"} == {"dead-letter queue", "schedule"}
    assert found["dead-letter queue"] == found["schedule"] == "warning"


def test_packages_are_compared_with_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "a==1 ; python_version < '3.12' \\\n    --hash=sha256:0\na==2 ; python_version >= '3.12'\nb[x]==3\nc==4\n"
    )
    versions = {"a": "1", "b": "3"}
    monkeypatch.setattr(doctor, "_installed", versions.get)
    assert packages_check(lock).status == "ok"
    versions["b"] = "9"
    check = packages_check(lock)
    assert (check.status, check.found) == ("warning", "b 9 (locked: 3)")
    assert packages_check(tmp_path / "none").status == "warning"


def test_a_folder_without_room_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder_check(tmp_path / "not" / "yet").status == "ok"
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 10**18)
    assert folder_check(tmp_path).status == "warning"
    monkeypatch.setattr("os.access", lambda *_: False)
    assert folder_check(tmp_path).status == "failed"


def test_a_taken_port_is_named_with_another_to_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configs.save(LocalConfig(root=tmp_path, port=4810))
    monkeypatch.setattr(processes, "port_is_free", lambda port: port != 4811)
    found = {check.check: check for check in local_checks(Setup(tmp_path))}
    assert found["port 4810"].status == "ok"
    assert found["port 4811"].status == "failed"
    assert "--port 4910" in found["port 4811"].advice
    assert found["emulator"].status == "failed"


def test_a_deployment_from_other_sources_is_a_warning(tmp_path: Path) -> None:
    config = LocalConfig(root=tmp_path)
    assert deployed_check(config).status == "failed"
    (tmp_path / "deployed").write_text(f"{deploy.fingerprint(config)} 2026-01-05")
    assert deployed_check(config).status == "ok"
    (tmp_path / "deployed").write_text("other 2026-01-05")
    assert deployed_check(config).status == "warning"


def test_nothing_running_is_an_error_that_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(tmp_path), "history"]) == 1
    assert "marketlake up" in capsys.readouterr().err


def test_no_credentials_and_an_unknown_profile_are_errors(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--profile", "nobody", "history"]) == 2
    assert "nobody" in capsys.readouterr().err
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    assert main(["--region", "eu-west-2", "history"]) == 1
    assert "aws sso login" in capsys.readouterr().err


def test_a_region_or_the_environment_means_an_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert Setup(tmp_path).is_local
    assert not Setup(tmp_path, region="eu-west-2").is_local
    assert not Setup(tmp_path, profile="work").is_local
    monkeypatch.setenv("MARKETLAKE_TARGET", "aws")
    assert not Setup(tmp_path).is_local
    monkeypatch.setenv("MARKETLAKE_TARGET", "mars")
    assert main(["history"]) == 2


def test_an_account_is_found_by_its_credentials() -> None:
    with mock_aws():
        target = aws_target(None, "us-east-1", "lake")
    assert (target.account_id, target.region, target.is_local) == ("123456789012", "us-east-1", False)
    assert target.state_machine_arn == "arn:aws:states:us-east-1:123456789012:stateMachine:lake-pipeline"
    assert target.execution_arn("x") == "arn:aws:states:us-east-1:123456789012:execution:lake-pipeline:x"


def test_up_and_down_are_for_the_emulator_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--region", "eu-west-2", "up"]) == 2
    assert main(["--region", "eu-west-2", "down"]) == 2
    assert "make destroy" in capsys.readouterr().err


def test_the_advice_names_commands_and_targets_that_exist() -> None:
    source = Path(doctor.__file__).read_text("utf-8")
    targets = re.findall(r"^([a-z-]+):", (facts.ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]

    made = set(re.findall(r"\bmake ([a-z]+)", source))
    called = set(re.findall(r"\bmarketlake (?:--root DIR )?([a-z]+)", source))
    assert made == {"setup", "deploy"}
    assert made <= set(targets)
    assert {"up", "dlq"} <= called <= commands


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> list[Addresses]:
    """What the live sources were asked for; Yahoo throttles, the others answer."""
    found: list[Addresses] = []

    def probe(addresses: Addresses) -> list[Probe]:
        found.append(addresses)
        return [Probe("Yahoo", "crumb", "status 429"), Probe("ECB", "", "1 EUR = 1.16 USD on 2026-11-24")]

    monkeypatch.setattr(doctor, "probe_all", probe)
    return found


def test_the_live_sources_are_asked_without_a_deployment(command: Command, probed: list[Addresses]) -> None:
    printed = command("doctor", "--live", "--json")
    assert printed.status == 1
    checks = json.loads(printed.out)
    assert [(check["check"], check["status"]) for check in checks] == [("live Yahoo", "failed"), ("live ECB", "ok")]
    assert checks[0]["found"] == "crumb: status 429"
    assert "upstream_proxy" in checks[0]["advice"]
    given = facts.parameters()
    assert probed == [Addresses(given["yahoo_base_url"], given["ecb_base_url"], given["frankfurter_base_url"])]


LIVE = {
    "YAHOO_BASE_URL": "https://y.example.com",
    "ECB_BASE_URL": "https://e.example.com",
    "FRANKFURTER_BASE_URL": "https://f.example.com",
    "UPSTREAM_PROXY": "http://proxy.example.com:3128",
}


def set_environment(target: Target, variables: dict[str, str]) -> None:
    name = facts.function_name("marketlake", "fetch")
    target.lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def test_a_deployment_on_live_sources_has_them_asked(
    deployed: Target, command: Command, probed: list[Addresses]
) -> None:
    set_environment(deployed, LIVE)
    assert "crumb: status 429" in command("doctor", "--json").out
    assert probed == [Addresses(*LIVE.values())]


def test_one_on_simulated_sources_has_not(deployed: Target, command: Command, probed: list[Addresses]) -> None:
    set_environment(deployed, dict.fromkeys(LIVE, "http://127.0.0.1:4567/x"))
    assert command("doctor", "--json").status == 0
    assert probed == []
