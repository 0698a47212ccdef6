"""The zips are the ones run: each handler from its unpacked zip, with nothing else on the path but the stdlib."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.facts import FUNCTIONS, ROOT
from infra.package import build, locks
from infra.package.__main__ import main
from infra.package.build import LIMIT_BYTES, BundleTooLarge, Size
from infra.package.layer import SERVICES, find_compiler, is_left_out
from infra.package.locks import LockOutOfDate, RegistryUnreachable
from infra.package.target import targets
from infra.sources.app import build_app
from infra.sources.server import SourcesServer
from marketlake.contract import dataset_names, load_contract
from tests.infra.bundles_aws import FakeAws
from tests.infra.bundles_built import ALLOWED, BUNDLES, HANDLERS, HEAVY, Built, build_local, no_registry, settings_of
from tests.infra.bundles_lambda import TRACE_ID, Answer, invoke

# One build serves all of them.
pytestmark = pytest.mark.xdist_group("bundles")

TASK = {"execution": "run-1", "state": "Test", "batch": 0, "retry": 0}
STARTED = "2023-01-06T20:00:00.000Z"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)( ; [^\\]+?)?(?: \\)?$", re.MULTILINE)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    folder = tmp_path_factory.mktemp("bundles")
    yield build_local(folder)
    shutil.rmtree(folder)  # a gigabyte, and pytest keeps the last three


@pytest.fixture
def aws() -> Iterator[FakeAws]:
    fake = FakeAws()
    contracts = FUNCTIONS / "marketlake" / "contracts"
    fake.objects = {f"artifacts/config/{path.name}": path.read_bytes() for path in contracts.glob("*.csv")}
    yield fake
    fake.close()


@pytest.fixture(scope="session")
def sources() -> Iterator[SourcesServer]:
    with SourcesServer(build_app(None, 7, None)) as server:
        yield server


# What is in the zips


@pytest.mark.parametrize("function", BUNDLES)
def test_a_zip_holds_what_its_function_needs_and_no_more(built: Built, function: str) -> None:
    names = built.names(function)
    folders = {name.partition("/")[0] for name in names}
    assert folders & HEAVY == ALLOWED[BUNDLES[function]]
    assert folders & {*BUNDLES, "marketlake", "infra", "tests", "bundles"} == {function, "marketlake"}
    assert {"bootstrap", "awslambdaric", "obstore", "botocore"} <= folders
    assert ("boto3" in folders) == (BUNDLES[function] == "core"), "AthenaCheck's own client"
    assert not [name for name in names if is_left_out(name) and "__pycache__" not in name]
    # Compiled, for this Python: /var/task cannot be written to.
    tag = sys.implementation.cache_tag
    assert {f"{function}/__pycache__/handler.{tag}.pyc", f"obstore/__pycache__/__init__.{tag}.pyc"} <= names


def test_packages_json_is_what_terraform_reads(built: Built) -> None:
    index = json.loads((built.zips / "packages.json").read_text("utf-8"))
    local = targets()["local"]
    assert (index["architecture"], index["python"]) == (local.architecture, local.python)
    assert index["architecture"] in {"arm64", "x86_64"}
    assert {path.stem for path in built.zips.glob("*.zip")} == set(BUNDLES)


def test_the_same_sources_and_locks_give_the_same_bytes(built: Built, tmp_path: Path) -> None:
    local = targets()["local"]
    again = build.build(local, find_compiler(local), tmp_path / "zips", tmp_path / "layers", only=["plan", "report"])
    assert [size.function for size in again] == ["plan", "report"]
    for size in again:
        name = f"{size.function}.zip"
        assert (tmp_path / "zips" / name).read_bytes() == (built.zips / name).read_bytes()


# They run


@pytest.mark.parametrize("function", HANDLERS)
def test_every_handler_starts_from_its_zip_and_fails_as_one_of_our_classes(built: Built, function: str) -> None:
    before = built.tree(function)
    answer = invoke(built.path(function), HANDLERS[function], {"task": TASK}, {})
    assert (answer.kind, answer.error) == ("error", "ContractViolation")
    assert "deploy again" in answer.body["errorMessage"]
    assert built.tree(function) == before, "a function wrote into its code, which is read-only on Lambda"


def test_a_call_is_traced_where_a_daemon_listens(built: Built, aws: FakeAws, sources: SourcesServer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(5)
        address = f"127.0.0.1:{daemon.getsockname()[1]}"
        tracing = {"POWERTOOLS_TRACE_DISABLED": "false", "AWS_XRAY_DAEMON_ADDRESS": address}
        event = {"task": TASK, "input": {"start": "yesterday"}, "started": STARTED}
        answer = invoke(built.path("plan"), HANDLERS["plan"], event, settings_of("plan", aws, sources) | tracing)
        assert answer.error == "InvalidRequest"
        segment = {"name": "", "id": ""}
        while not segment["name"].startswith("## "):
            segment = json.loads(daemon.recv(65_536).splitlines()[1])
    assert segment["parent_id"] in TRACE_ID
    assert "yesterday" in json.dumps(segment["cause"])


def test_plan_refuses_a_bad_input_by_class_name(built: Built, aws: FakeAws, sources: SourcesServer) -> None:
    event = {"task": TASK, "input": {"start": "yesterday"}, "started": STARTED}
    answer = invoke(built.path("plan"), HANDLERS["plan"], event, settings_of("plan", aws, sources))
    assert (answer.kind, answer.error) == ("error", "InvalidRequest")
    assert "yesterday" in answer.body["errorMessage"]


@pytest.mark.parametrize("dataset", ["fx_rates", "ftse100_prices"])
def test_the_zips_load_two_days(built: Built, aws: FakeAws, sources: SourcesServer, dataset: str) -> None:
    def ask(function: str, **event: Any) -> Answer:
        event = {"task": TASK, "started": STARTED, **event}
        return invoke(built.path(function), HANDLERS[function], event, settings_of(function, aws, sources))

    wanted = {"datasets": [dataset], "start": "2023-01-03", "end": "2023-01-04"}
    [batch] = ask("plan", input=wanted).body["batches"]
    fetched = ask("fetch", batch=batch).body
    assert fetched["stored"] == 2
    validated = ask("validate", batch=batch, fetched=fetched).body
    assert validated["accepted"] == 2
    transformed = ask("transform", batch=batch, fetched=fetched, validated=validated).body
    assert transformed["written"] == 2
    assert aws.objects[f"clean/clean/{dataset}/dt=2023-01-04/part-0.parquet"].startswith(b"PAR1")
    checked = ask("athena_check", batch=batch, transformed=transformed)
    assert (checked.error, aws.refused) == ("PermissionDenied", ["AWSGlue.GetTable"]), "no Athena here to ask"
    reported = ask("report", input=wanted, execution_arn="arn", plan={}, results=[], failure={})
    assert (reported.kind, reported.body["failed"]) == ("response", False)


@pytest.mark.parametrize(
    ("function", "without", "kind", "error"),
    [
        ("plan", "aws_lambda_powertools", "init", "Runtime.ImportModuleError"),
        ("plan", "holidays", "error", "UnexpectedError"),
        ("fetch", "pandas", "error", "UnexpectedError"),
        ("transform", "polars", "init", "Runtime.ImportModuleError"),
    ],
)
def test_what_a_zip_lacks_is_not_found_elsewhere(
    built: Built, aws: FakeAws, sources: SourcesServer, function: str, without: str, kind: str, error: str
) -> None:
    wanted = {"datasets": ["ftse100_prices"], "start": "2023-01-03", "end": "2023-01-03"}
    batch = {"dataset": "ftse100_prices", "days": ["2023-01-03"], "count": 1, "input": wanted}
    event = {"task": TASK, "started": STARTED, "input": wanted, "batch": batch}
    broken = built.broken(function, without)
    answer = invoke(broken, HANDLERS[function], event, settings_of(function, aws, sources))
    assert (answer.kind, answer.error) == (kind, error), answer.body
    assert without in json.dumps(answer.body)


def test_the_sdk_has_the_services_that_the_functions_use(built: Built) -> None:
    files = {path for function in BUNDLES for path in build.source_files(function).values() if path.suffix == ".py"}
    sources = "".join(path.read_text("utf-8") for path in files)
    assert set(re.findall(r'_client\("(\w+)"', sources)) == {"s3", *SERVICES} - {"xray"}, "S3's is not botocore's"
    code = "import sys; sys.path.insert(0, sys.argv[1]); import botocore.session; print(botocore.__file__)\n"
    code += "session = botocore.session.get_session()\n"
    code += "for name in sys.argv[2:]: session.create_client(name, region_name='eu-west-2')"
    for function in ("athena_check", "fetch", "transform"):
        folder = str(built.path(function))
        command = [sys.executable, "-I", "-S", "-c", code, folder, *SERVICES]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={})
        assert (done.returncode, done.stdout.startswith(folder)) == (0, True), done.stderr


@pytest.mark.parametrize("function", BUNDLES)
def test_time_zones_need_nothing_of_the_machine(built: Built, function: str) -> None:
    """Lambda's image had no time zone data at first: https://github.com/aws/aws-lambda-dotnet/issues/1620."""
    code = "import sys, zoneinfo; sys.path.insert(0, sys.argv[1]); zoneinfo.reset_tzpath(to=[])\n"
    code += "print(*(zoneinfo.ZoneInfo(name) for name in sys.argv[2:]))"
    zones = sorted({load_contract(name).published.zone for name in dataset_names()})
    command = [sys.executable, "-I", "-S", "-c", code, str(built.path(function)), *zones]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={})
    assert (done.returncode, done.stdout.split()) == (0, zones), done.stderr


# Locks


def pins(text: str) -> set[tuple[str, str]]:
    """Name and version of everything pinned in a lock; a name has several where versions differ by Python."""
    return {(name, version) for name, version, _ in PIN.findall(text)}


def test_the_locks_are_within_requirements_lock_and_of_functions_json() -> None:
    allowed = pins((ROOT / "requirements.lock").read_text("utf-8"))
    assert {path.stem for path in locks.LOCKS.glob("*")} == set(locks.requirements())
    for bundle, names in locks.requirements().items():
        text = locks.lock_path(bundle).read_text("utf-8")
        pinned = pins(text)
        assert len(pinned) == len(re.findall(r"^[a-z].*==", text, re.MULTILINE)) <= text.count("--hash=sha256:")
        assert pinned <= allowed, f"{bundle}.lock: run python -m infra.package --lock"
        assert {name.partition("[")[0] for name in names} <= {name for name, _ in pinned}
        assert not re.search(r"://|--(extra-)?index-url|--find-links|(^|\s)/\w", text), "no hosts, no paths"


def test_locking_again_changes_no_version(tmp_path: Path) -> None:
    shutil.copytree(locks.LOCKS, tmp_path, dirs_exist_ok=True)
    try:
        locks.write_locks(tmp_path)
    except RegistryUnreachable as error:
        no_registry(error)
    for bundle in locks.requirements():
        new, old = (locks.lock_path(bundle, folder).read_text("utf-8") for folder in (tmp_path, locks.LOCKS))
        assert pins(new) == pins(old)


def test_a_lock_of_other_requirements_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LockOutOfDate, match=r"run `python -m infra.package --lock`"):
        locks.lock_path("core", tmp_path)
    (tmp_path / "core.lock").write_text(f"{locks.HEADER}boto3\nboto3==1.0\n", "utf-8")
    with pytest.raises(LockOutOfDate):
        locks.lock_path("core", tmp_path)


# The check of sizes


def test_a_package_that_lambda_would_refuse_is_refused() -> None:
    fits = Size("plan", "core", 10, {"boto3/a.py": LIMIT_BYTES - 5, "plan/handler.py": 5})
    build.check_sizes([fits])
    over = Size("fetch", "yfinance", 10, {"pandas/a.so": LIMIT_BYTES - 5, "numpy/b.so": 6})
    with pytest.raises(BundleTooLarge) as refused:
        build.check_sizes([fits, over])
    message = str(refused.value)
    assert "fetch (bundle yfinance) is 262,144,001 bytes unzipped: pandas 250 MB, numpy 0 MB" in message
    assert "infra/package/layer.py" in message
    assert "plan" not in message
    assert re.search(r"^fetch +yfinance +0\.0 MB +250\.0 MB +100%$", build.table([fits, over]), re.MULTILINE)


def test_a_refused_build_leaves_a_table_and_no_index(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert built.zips.exists(), "its layers are there, so that this build needs no registry"
    (tmp_path / "packages.json").write_text("{}", "utf-8")
    monkeypatch.setattr(build, "LIMIT_BYTES", 100 * build.MB)
    assert main(["--arch", "local", "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.out.splitlines()[2:]] == list(BUNDLES)
    assert re.match(r"fetch \(bundle yfinance\) is .* validate \(.* transform \(.*Lambda takes", printed.err)
    assert not (tmp_path / "packages.json").exists(), "Terraform would deploy what is there"
