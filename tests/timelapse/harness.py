"""One seed played evening by evening: the script's acts, the lifecycle, and what must hold after every run."""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest
from botocore.exceptions import ClientError
from polars.testing import assert_frame_equal

from athena_check import handler as check_handler
from fetch import handler as fetch_handler
from fetch.sources.base import FetchRequest
from infra import facts
from infra.client.dead_letters import read_letter
from infra.client.errors import Refusal
from infra.client.executions import describe, run_report
from infra.client.lake import take_inventory
from infra.client.retries import Retries, is_loaded, run_again
from infra.client.saved_queries import SavedQuery, literals_of, saved_queries, with_literals
from infra.client.target import Target
from marketlake import aws, contract, storage, telemetry
from marketlake.contract import Contract, dataset_names, load_contract
from marketlake.history import loaded_days
from marketlake.intervals import from_intervals
from marketlake.layout import config_key
from marketlake.schemas import glue_columns
from tests.e2e import saved_prices, saved_rates
from tests.e2e.saved_frames import Frames, put_aside
from tests.timelapse.athena import Tables, dated
from tests.timelapse.engine import (
    ACCOUNT,
    PREFIX,
    REGION,
    Call,
    Inline,
    Machine,
    interpreter_of,
    rendered_definition,
)
from tests.timelapse.lifecycle import carry_out, default_days, expiry_rules
from tests.timelapse.objects import Fault, MemoryS3
from tests.timelapse.oracle import Oracle, compare
from tests.timelapse.script import Act, Script, write_script
from tests.timelapse.shadow import Before
from tests.timelapse.world import CURRENCIES, FIRST_DAY, INDEX, OF_INDEX, TICKERS, TimelapseSource, Told, World

Json = dict[str, Any]

FIRST_EVENING = date(2024, 1, 8)
RUN_AT = time(20, 0, tzinfo=UTC)
NAMES = facts.names(PREFIX, ACCOUNT, REGION)


@dataclass
class Answer:
    """What Fetch was told for a batch, and the days that it stored."""

    told: pl.DataFrame
    days: list[date] = field(default_factory=list)
    rejected: set[date] = field(default_factory=set)


class Timelapse:
    """A lake, its sources and its people."""

    def __init__(self, seed: int, months: int, folder: Path) -> None:
        self.seed, self.months = seed, months
        self.divided_by = max(1, round(18 / months))
        self.keep_days = -(-default_days()["clean_expire_days"] // self.divided_by)
        self.script: Script = write_script(seed, FIRST_EVENING, months, self.keep_days)
        self.world = World(seed, self.script.happenings)
        self.rules = expiry_rules(self.divided_by)
        self.s3, self.oracle = MemoryS3(), Oracle()
        self.tables = Tables(self.s3, NAMES)
        self.machine = Machine(self.s3, rendered_definition(), self._called, self._before_call)
        self.shadow = {name: Before(self.keep_days) for name in dataset_names()}
        self.counted: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.contracts = folder / "contracts"
        self.listed = dict.fromkeys(TICKERS, "")
        self.to_retry: list[tuple[date, str]] = []
        self.handled: set[str] = set()
        self._heard: pl.DataFrame | None = None
        self._answers: dict[tuple[str, int], Answer] = {}
        self._overlap: tuple[int, Json] | None = None
        self._rng = random.Random(f"people/{seed}")  # noqa: S311 - repeatable, not secret
        self._numbers = 0
        self._queries = saved_queries()
        self.target = self._make_target()

    # -- what is played

    def play(self) -> None:
        """All evenings."""
        for number, evening in enumerate(self.script.evenings):
            self.s3.now = datetime.combine(evening, RUN_AT)
            self._expire()
            for act in [act for act in self.script.acts if act.evening == evening]:
                self._do(act)
            self.run("daily", {"trigger": "schedule", "scheduled_time": self.machine.now_iso()})
            self.s3.fault, self._overlap = None, None
            for _, name in [one for one in self.to_retry if one[0] <= evening]:
                self.retry(name)
            self.to_retry = [one for one in self.to_retry if one[0] > evening]
            last = number + 1 == len(self.script.evenings)
            month_ends = last or self.script.evenings[number + 1].month != evening.month
            every = len(self._queries)
            asked = (
                self._queries if month_ends else [self._queries[number % every], self._queries[(number + 7) % every]]
            )
            self.check(asked)

    def run(self, kind: str, request: Json) -> None:
        """An execution; one after which there is a mail is run again some days later."""
        self._numbers += 1
        name = f"{kind.replace(' ', '-')}-{self._numbers}"
        self.execute(name, request)
        self.counted[kind] += 1
        self.s3.fault = None
        self._note(name)

    def execute(self, name: str, request: Json) -> Json:
        """The ended execution of this name, its requests counted."""
        before = self.s3.requests.copy()
        ended = self.machine.run(name, request)
        self.requests += self.s3.requests - before
        self.counted["runs"] += 1
        self.counted[f"runs {ended['status']}"] += 1
        return ended

    def retry(self, name: str) -> None:
        """``marketlake retry NAME``."""
        if self.machine.execution_arn(name) not in self.machine.executions:
            return
        box = _Box(self.machine)
        letters = [self._letter(id, sent, body) for id, (sent, body) in self.machine.queue.items()]
        try:
            works = Retries(self.target, letters).of(describe(self.target, name))
        except Refusal as refusal:
            self.counted[f"retry refused: {str(refusal)[-40:]}"] += 1
            return
        self.counted["retries"] += 1
        for work in works:
            done = run_again(cast("Any", box), self.target, work)
            if done["execution"] and done["result"] == "started":
                self._note(done["execution"])
        self.handled.add(name)

    def _note(self, name: str) -> None:
        ended = self.machine.executions[self.machine.execution_arn(name)]
        restated = run_report(self.target, name).get("restatements", [])
        if ended["status"] == "FAILED" or any(one["mails"] for one in restated):
            # Who sees a retry fail waits for a week.
            wait = 7 if name.startswith(("retry", "redrive")) else self._rng.choice((1, 2, 4, 7, 8))
            due = self.s3.now.date() + timedelta(days=wait)
            self.to_retry.append((due, name))

    def _do(self, act: Act) -> None:
        if act.request is not None:
            self.run(act.kind, act.request)
        elif act.kind in ("kill", "busy"):
            self.counted[act.kind] += 1
            times = 40 if act.number % 5 == 0 and act.kind == "kill" else 1
            self.s3.fault = Fault(act.kind, act.number, times, stored=act.number % 2 == 0)
        elif act.kind == "overlap":
            daily = {"trigger": "schedule", "scheduled_time": self.machine.now_iso()}
            self._overlap = (act.number, daily if act.number % 3 == 0 else {})
        elif act.kind == "delist":
            self.counted[act.kind] += 1
            self.listed[act.symbol] = f"{self.s3.now.date() - timedelta(days=6)}"
            self._list_symbols()
        else:
            self.counted[act.kind] += 1
            self._deploy_a_new_column()

    def _expire(self) -> None:
        for rule, _ in carry_out(self.rules, self.s3, NAMES, self.s3.now):
            self.counted[f"removed by {rule.id}"] += 1
        self.counted["messages expired"] += self.machine.expire_messages()
        for before in self.shadow.values():
            before.expire(self.s3.now.date())

    # -- what is heard of it

    def _hear(self, told_of: Contract, _request: FetchRequest, rows: list[Told]) -> None:
        self._heard = self.oracle.tell(told_of, rows)
        self.counted["rows told"] += len(rows)

    def _before_call(self, call: Call) -> None:
        if call.state == "Report":
            self._confirm(call)
        if self._overlap is None:
            return
        count, request = self._overlap
        self._overlap = (count - 1, request)
        if count <= 0:
            self._overlap = None
            fault, self.s3.fault = self.s3.fault, None
            self.run("overlap", request)
            self.s3.fault = fault

    def _called(self, call: Call) -> None:
        key = (call.execution, call.batch)
        assert call.answer is not None
        if call.state == "Fetch":
            assert self._heard is not None
            days = from_intervals(load_contract(call.event["batch"]["dataset"]), call.answer["days"])
            self._answers[key] = Answer(self._heard, days)
        elif call.state == "Validate":
            of = load_contract(call.event["batch"]["dataset"])
            runs = [from_intervals(of, one["days"]) for one in call.answer["rejections"]]
            self._answers[key].rejected = {day for days in runs for day in days}

    def _confirm(self, call: Call) -> None:
        """The batches that ended without a failure are in the lake from now on."""
        for result in call.event["results"]:
            answer = self._answers.pop((call.execution, result["index"]), None)
            if result["failure"] or answer is None:
                continue
            days = [day for day in answer.days if day not in answer.rejected]
            drop = bool(result["input"].get("drop_missing"))
            patch = bool(result["input"].get("symbols"))
            self.oracle.confirm(result["dataset"], answer.told, days, drop_missing=drop)
            told = answer.told.filter(pl.col("dt").is_in(days))
            self.shadow[result["dataset"]].load(told, days, self.s3.now.date(), patch=patch)

    # -- what must hold

    def check(self, queries: Sequence[SavedQuery]) -> None:
        """Everything that must hold after a run."""
        where = f"seed {self.seed}, evening of {self.s3.now.date()}"
        assert not self.machine.defects, f"{where}: {self.machine.defects}"
        for dataset in dataset_names():
            of, expected = load_contract(dataset), self.oracle.of(dataset)
            years, days = (dated(of, frame) for frame in (self.tables.years(dataset), self.tables.days(dataset)))
            found = compare(of, expected, years.drop("year"))
            assert not found, f"{where}, {dataset}: {found}"
            settled = days.filter(~pl.col("dt").is_in(expected.may_be["dt"].unique().to_list()))
            _agree(of, settled, years, f"{where}, {dataset}")
            self._check_loaded(dataset, where)
        for id, (_, body) in self.machine.queue.items():
            letter = self._letter(id, self.s3.now, body)
            waits = letter.execution not in {name for _, name in self.to_retry}
            assert not (waits and is_loaded(self.target, letter.request)), f"{where}: {id} waits and is loaded: {body}"
        frames = self._frames()
        for query in queries:
            self._check_query(query, frames, where)

    def _check_loaded(self, dataset: str, where: str) -> None:
        expected, today = self.oracle.of(dataset), self.s3.now.date()
        loaded = loaded_days(self.target.bucket("clean"), dataset, FIRST_DAY, today)
        assert expected.loaded <= loaded, f"{where}, {dataset}: not loaded: {sorted(expected.loaded - loaded)[:5]}"
        assert loaded <= expected.tried, f"{where}, {dataset}: never told: {sorted(loaded - expected.tried)[:5]}"
        shown = set(take_inventory(self.target, dataset, FIRST_DAY, today).complete)
        assert shown == loaded, f"{where}, {dataset}: partitions shows {sorted(shown ^ loaded)[:5]} otherwise"

    def _check_query(self, query: SavedQuery, frames: Frames, where: str) -> None:
        given = self._parameters(query)
        found = self.tables.ask(with_literals(query.sql, literals_of(query, [f"{k}={v}" for k, v in given.items()])))
        wanted = (getattr(saved_prices, query.name, None) or getattr(saved_rates, query.name))(frames, given)
        self.counted["queries"] += 1
        if not found.height or not wanted.height:
            assert found.height == wanted.height, f"{where}: {query.name} {given}: {found.height}, not {wanted.height}"
            return
        try:
            assert_frame_equal(found, wanted, check_dtypes=False, rel_tol=1e-9, abs_tol=1e-12)
        except AssertionError as error:
            raise AssertionError(f"{where}: {query.name} {given}: {error}") from error

    def _parameters(self, query: SavedQuery) -> dict[str, str]:
        """A year back from the last day held, or as long as there is."""
        held = self.tables.years("ftse100_prices")["dt"].unique().sort().to_list()
        last, first = held[-1], held[max(0, len(held) - 250)]
        known = {
            "start": first, "from_day": first, "end": last, "to_day": last, "day": last,
            "ticker": TICKERS[0], "other_ticker": TICKERS[2], "currency": "USD", "from_currency": "USD",
            "to_currency": "JPY", "places": "3", "times": "1.5",
        }  # fmt: skip
        return {parameter.name: known[parameter.name] for parameter in query.parameters}

    def _frames(self) -> Frames:
        """The rows that must be there: those told; adjusted closes and doubtful rows as the history has them."""
        raw = NAMES["raw_bucket"]
        aside = [
            put_aside(name, [one.body for _, one in self.s3.objects(raw, f"quarantine/{name}/")])
            for name in dataset_names()
        ]
        return Frames({name: self.tables.years(name).drop("year") for name in dataset_names()}, pl.concat(aside))

    # -- how it is set up

    def _letter(self, id: str, sent: datetime, body: str) -> Any:
        message = {"MessageId": id, "Body": body, "Attributes": {"SentTimestamp": f"{int(sent.timestamp() * 1000)}"}}
        return read_letter(cast("Any", message), self.target.state_machine_arn)

    def _make_target(self) -> Target:
        target = Target(cast("Any", None), ACCOUNT, REGION, PREFIX)
        target.__dict__["s3"], target.__dict__["states"] = self.s3, _States(self)
        return target

    def _list_symbols(self) -> None:
        lines = [f"{ticker},2000-01-01,{until}" for ticker, until in self.listed.items()]
        self._put_list("constituents.csv", ["ticker,valid_from,valid_to", *lines])
        self._put_list(
            "currencies.csv", ["symbol,valid_from,valid_to", *(f"{code},1999-01-04," for code in CURRENCIES)]
        )

    def _put_list(self, file: str, lines: list[str]) -> None:
        body = "\n".join([*lines, ""]).encode()
        self.s3.put_object(
            Bucket=NAMES["artifacts_bucket"], Key=config_key(file), Body=body, ContentType="text/csv", Metadata={}
        )

    def _deploy_a_new_column(self) -> None:
        """The index gets a column that its raw objects have had all along."""
        path = self.contracts / f"{OF_INDEX}.json"
        document = json.loads(path.read_text("utf-8"))
        column = {"name": "adj_close", "type": "double", "nullable": True, "noise": 1e-5, "description": "As quoted"}
        document |= {"version": document["version"] + 1, "columns": [*document["columns"], column]}
        path.write_text(json.dumps(document), "utf-8")
        load_contract.cache_clear()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The functions use this lake, its sources, and its Athena."""
        shutil.copytree(contract.CONTRACTS, self.contracts)
        values = facts.template_values(PREFIX, ACCOUNT, REGION)
        environment = facts.functions_document(values)["environment"] | {
            "POWERTOOLS_TRACE_DISABLED": "true",
        }
        sources = {
            name: TimelapseSource(self.world, load_contract(name), lambda: self.s3.now.date(), self._hear)
            for name in dataset_names()
        }
        with pytest.MonkeyPatch.context() as patched:
            for name, value in environment.items():
                patched.setitem(os.environ, name, str(value))
            patched.setattr(contract, "CONTRACTS", self.contracts)
            load_contract.cache_clear()
            patched.setattr(aws, "_client", {"s3": self.s3, "glue": _Glue(), "athena": None}.__getitem__)
            metric = SimpleNamespace(add_dimension=lambda **_: None)
            patched.setattr(telemetry, "single_metric", lambda **_: nullcontext(metric))
            patched.setattr(logging.root.manager, "disable", logging.CRITICAL)
            patched.setattr(storage, "ThreadPoolExecutor", Inline)
            patched.setattr(fetch_handler, "source_of", lambda of, *_: sources[of.name])
            patched.setattr(check_handler, "run_query", self.tables.run_query)
            self._list_symbols()
            with interpreter_of(self.machine):
                yield
        load_contract.cache_clear()

    def summary(self) -> str:
        """What a seed was, and what a wrong answer would have been before."""
        told: Counter[str] = Counter(one.kind for one in self.script.happenings)
        held = sum(self.tables.years(name).height for name in dataset_names())
        expected = {name: set(self.oracle.of(name).rows.select("dt", "symbol").rows()) for name in dataset_names()}
        lost = {name: expected[name] - self.shadow[name].held() for name in dataset_names()}
        days = {
            name: {day for day, _ in rows} - {day for day, _ in self.shadow[name].held()}
            for name, rows in expected.items()
        }
        year_ago = self.s3.now.date() - timedelta(days=364)
        keys = [(day, key) for day, key in expected["ftse100_prices"] if key == TICKERS[0] and day >= year_ago]
        before = [one for one in keys if one not in lost["ftse100_prices"]]
        parts = [
            f"seed {self.seed}: {self.counted['runs']} runs on {len(self.script.evenings)} evenings, {held} rows held, "
            f"{self.counted['queries']} queries, {self.requests.total()} requests to S3 in runs",
            f"  sources: {_listed(told)}",
            f"  people and machines: {_listed(self.counted - Counter({'runs': 10**9, 'queries': 10**9, 'rows told': 10**9}))}",
            f"  errors retried or failed: {_listed(self.machine.failures)}; mails: {len(self.machine.mails)}",
            f"  by the rules of 0.2: {sum(map(len, lost.values()))} rows of {sum(map(len, days.values()))} days lost; the "
            f"52-week high of {TICKERS[0]} over {len(before)} days, not {len(keys)}",
        ]
        return "\n".join(parts)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def _agree(of: Contract, days: pl.DataFrame, years: pl.DataFrame, where: str) -> None:
    """The two forms have the same rows of the days that are in both."""
    names = ["dt", *(column.name for column in of.columns)]
    shared = years.filter(pl.col("dt").is_in(days["dt"].unique().to_list())).select(names)
    for frame, other in ((days.select(names), shared), (shared, days.select(names))):
        alone = frame.join(other, on=names, how="anti", nulls_equal=True)
        assert not alone.height, f"{where}: by day and by year differ: {alone.head(3).rows()}"


class _Box:
    """The queue's messages as ``run_again`` deletes them."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def delete(self, message: str) -> None:
        self._machine.queue.pop(message, None)


class _Glue:
    """The catalog, deployed with the contracts."""

    def get_table(self, *, DatabaseName: str, Name: str) -> Json:  # noqa: N803, ARG002
        return {"Table": {"StorageDescriptor": {"Columns": glue_columns(load_contract(Name))}}}


class _States:
    """Step Functions as the command asks it."""

    class exceptions:  # noqa: N801 - boto3's name
        class ExecutionDoesNotExist(Exception):
            pass

        class InvalidArn(Exception):
            pass

    def __init__(self, lapse: Timelapse) -> None:
        self._lapse = lapse

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> Json:  # noqa: N803, A002
        """Runs it to its end."""
        if self._lapse.machine.execution_arn(name) in self._lapse.machine.executions:
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists", "Message": name}}, "StartExecution")
        ended = self._lapse.execute(name, json.loads(input))
        return {"executionArn": ended["executionArn"]}

    def describe_execution(self, *, executionArn: str) -> Json:  # noqa: N803
        found = self._lapse.machine.executions.get(executionArn)
        if found is None:
            raise self.exceptions.ExecutionDoesNotExist
        return {**found, "startDate": datetime.fromisoformat(found["startDate"])}

    def get_paginator(self, _action: str) -> _States:
        return self

    def paginate(self, **_: object) -> Iterator[Json]:
        newest = [self.describe_execution(executionArn=arn) for arn in reversed(self._lapse.machine.executions)]
        yield {"executions": newest}


assert INDEX
