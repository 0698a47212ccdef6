"""The functions on this process's lake: their environment, contracts and lists, and what they ask of AWS."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from athena_check import handler as check_handler
from fetch import handler as fetch_handler
from infra import facts
from marketlake import aws, contract, storage, telemetry
from marketlake.contract import dataset_names, load_contract
from marketlake.layout import config_key
from tests.timelapse.athena import Tables
from tests.timelapse.client import Catalog
from tests.timelapse.engine import ACCOUNT, PREFIX, REGION, Inline, Machine, interpreter_of
from tests.timelapse.world import CURRENCIES, OF_INDEX, TICKERS, Hear, TimelapseSource, World

NAMES = facts.names(PREFIX, ACCOUNT, REGION)

NEW_COLUMN = {"name": "split_ratio", "type": "double", "nullable": True, "description": "As quoted"}
"""Of the index; its raw objects have had it all along."""


@dataclass
class Deployment:
    """Contracts in a ``folder`` of their own, and the lists in force."""

    machine: Machine
    world: World
    tables: Tables
    hear: Hear
    folder: Path
    listed: dict[str, str] = field(default_factory=lambda: dict.fromkeys(TICKERS, ""))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The functions use this lake, its sources and its Athena; nothing is logged, measured or traced."""
        shutil.copytree(contract.CONTRACTS, self.folder)
        environment = facts.functions_document(facts.template_values(PREFIX, ACCOUNT, REGION))["environment"]
        sources = {name: TimelapseSource(self.world, self._evening, self.hear) for name in dataset_names()}
        with pytest.MonkeyPatch.context() as patched:
            for name, value in {**environment, "POWERTOOLS_TRACE_DISABLED": "true"}.items():
                patched.setitem(os.environ, name, str(value))
            patched.setattr(contract, "CONTRACTS", self.folder)
            load_contract.cache_clear()
            patched.setattr(aws, "_client", {"s3": self.machine.s3, "glue": Catalog(), "athena": None}.__getitem__)
            patched.setattr(fetch_handler, "source_of", lambda of, *_: sources[of.name].about(of))
            patched.setattr(check_handler, "run_query", self.tables.run_query)
            patched.setattr(storage, "ThreadPoolExecutor", Inline)
            metric = SimpleNamespace(add_metadata=lambda **_: None)
            patched.setattr(telemetry, "single_metric", lambda **_: nullcontext(metric))
            patched.setattr(logging.root.manager, "disable", logging.CRITICAL)
            self._list_symbols()
            with interpreter_of(self.machine):
                yield
        load_contract.cache_clear()

    def delist(self, ticker: str, last: date) -> None:
        """The list in force names the last day of a ticker."""
        self.listed[ticker] = f"{last}"
        self._list_symbols()

    def add_a_column(self) -> None:
        """The contract of the index gets one more, nullable column; catalog and functions are deployed with it."""
        path = self.folder / f"{OF_INDEX}.json"
        document = json.loads(path.read_text("utf-8"))
        document |= {"version": document["version"] + 1, "columns": [*document["columns"], NEW_COLUMN]}
        path.write_text(json.dumps(document), "utf-8")
        load_contract.cache_clear()

    def _evening(self) -> date:
        return self.machine.s3.now.date()

    def _list_symbols(self) -> None:
        tickers = [f"{ticker},2000-01-01,{last}" for ticker, last in self.listed.items()]
        self._put_list("constituents.csv", ["ticker,valid_from,valid_to", *tickers])
        currencies = [f"{code},1999-01-04," for code in CURRENCIES]
        self._put_list("currencies.csv", ["symbol,valid_from,valid_to", *currencies])

    def _put_list(self, file: str, lines: list[str]) -> None:
        bucket = storage.Bucket(NAMES["artifacts_bucket"], aws.s3_client())
        bucket.put(config_key(file), "\n".join([*lines, ""]).encode(), "text/csv")
