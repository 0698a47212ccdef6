"""The zips for this machine, built once and unpacked as they are asked for."""

from __future__ import annotations

import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from infra.facts import functions_file
from infra.package.__main__ import package
from infra.package.locks import RegistryUnreachable
from infra.package.target import targets
from infra.sources.server import SourcesServer
from tests.infra.bundles_aws import FakeAws

DOCUMENT = functions_file()
HANDLERS = {name: str(facts["handler"]) for name, facts in DOCUMENT["functions"].items()}
BUNDLES = {name: str(facts["bundle"]) for name, facts in DOCUMENT["functions"].items()}

HEAVY = {"polars", "_polars_runtime_32", "pandas", "numpy", "yfinance", "pyarrow", "duckdb"}
ALLOWED = {
    "core": set[str](),
    "polars": {"polars", "_polars_runtime_32"},
    "yfinance": {"yfinance", "pandas", "numpy"},
}


@dataclass(frozen=True)
class Built:
    """A folder of zips and ``packages.json``, and a folder to unpack into."""

    zips: Path
    unpacked: Path

    def path(self, function: str) -> Path:
        """The unpacked zip of ``function``."""
        folder = self.unpacked / function
        if not folder.exists():
            unpack(self.zips / f"{function}.zip", folder)
        return folder

    def tree(self, function: str) -> set[str]:
        """Everything below the unpacked zip of ``function``."""
        return {str(path.relative_to(self.path(function))) for path in self.path(function).rglob("*")}

    def names(self, function: str) -> set[str]:
        """Files in the zip of ``function``."""
        with zipfile.ZipFile(self.zips / f"{function}.zip") as whole:
            return set(whole.namelist())

    def broken(self, function: str, without: str) -> Path:
        """A copy of the unpacked zip of ``function`` that lacks the package ``without``."""
        copy = self.unpacked / f"{function}-without-{without}"
        shutil.copytree(self.path(function), copy, copy_function=os.link)
        shutil.rmtree(copy / without)
        return copy


def unpack(path: Path, folder: Path) -> None:
    """With the modes that are in the zip, as Lambda does."""
    with zipfile.ZipFile(path) as whole:
        whole.extractall(folder)
        for entry in whole.infolist():
            (folder / entry.filename).chmod(entry.external_attr >> 16)


def build_local(folder: Path) -> Built:
    """The zips for this machine. Their packages come from the registry: without it, skip, or fail in CI."""
    try:
        package(targets()["local"], folder / "zips")
    except RegistryUnreachable as error:
        no_registry(error)
    return Built(folder / "zips", folder / "unpacked")


def no_registry(error: RegistryUnreachable) -> NoReturn:
    """Skip, or fail in CI."""
    if os.environ.get("CI"):
        pytest.fail(str(error))
    pytest.skip(str(error))


def settings_of(function: str, aws: FakeAws, sources: SourcesServer) -> dict[str, str]:
    """The environment that functions.json gives ``function``, on the fake AWS and the simulated sources."""
    values = {
        "RAW_BUCKET": "raw",
        "CLEAN_BUCKET": "clean",
        "ARTIFACTS_BUCKET": "artifacts",
        "DATABASE": "marketlake",
        "WORKGROUP": "marketlake",
        "FX_BASE": "EUR",
        "LOOK_BACK_DAYS": "7",
        "LAST_KNOWN_DAY": "",
        "YAHOO_BASE_URL": sources.yahoo_url,
        "ECB_BASE_URL": sources.ecb_url,
        "FRANKFURTER_BASE_URL": sources.frankfurter_url,
        "UPSTREAM_PROXY": "",
        "PUBLICATION_PATIENCE_SECONDS": "2640",
        "REQUESTS_PER_SECOND": "0",
        "OPERATOR_COMMAND": "marketlake",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "POWERTOOLS_SERVICE_NAME": "marketlake",
    }
    names = DOCUMENT["functions"][function]["environment"]
    return {"AWS_ENDPOINT_URL": aws.url, **{name: values[name] for name in names}}
