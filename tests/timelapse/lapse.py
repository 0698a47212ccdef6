"""One seed played evening by evening: the script's acts, the lifecycle, the daily run, retries, and the checks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from infra.client.errors import Refusal
from infra.client.executions import describe, run_report
from infra.client.retries import STARTED, Retries, run_again
from infra.client.saved_queries import SavedQuery, saved_queries
from marketlake.contract import dataset_names
from tests.timelapse.athena import Tables
from tests.timelapse.checks import Checks
from tests.timelapse.client import box_of, letters_of, target_of
from tests.timelapse.deployment import NAMES, Deployment
from tests.timelapse.engine import Call, Machine, rendered_definition
from tests.timelapse.hearing import Hearing
from tests.timelapse.lifecycle import carry_out, default_days, expiry_rules
from tests.timelapse.objects import Fault, MemoryS3
from tests.timelapse.oracle import Oracle
from tests.timelapse.script import Act, write_script
from tests.timelapse.shadow import Before
from tests.timelapse.world import PRICES, TICKERS, World

Json = dict[str, Any]

MONTHS = 18
"""With fewer months the days of the lifecycle are divided, so that as much of it happens."""

FIRST_EVENING = date(2024, 1, 8)
RUN_AT = time(20, 0, tzinfo=UTC)

FOR_GOOD = 40
"""Writes at which a function is killed so that no attempt of it is left."""

MOST_TRIES = 3
"""As often is the same input run before a person sees that it cannot succeed."""


class Timelapse:
    """A lake, its sources and its people."""

    def __init__(self, seed: int, months: int, folder: Path) -> None:
        divided_by = max(1, round(MONTHS / months))
        keep_days = -(-default_days()["clean_expire_days"] // divided_by)
        self.seed = seed
        self.script = write_script(seed, FIRST_EVENING, months, keep_days)
        self.rules = expiry_rules(divided_by)
        self.counted: Counter[str] = Counter()
        self.s3, self.oracle = MemoryS3(), Oracle()
        self.world = World(seed, self.script.happenings)
        self.shadow = {name: Before(keep_days) for name in dataset_names()}
        self.hearing = Hearing(self.s3, self.oracle, self.shadow)
        self.machine = Machine(self.s3, rendered_definition(), self.hearing.called, self._before_call)
        self.tables = Tables(self.s3, NAMES)
        self.deployment = Deployment(self.machine, self.world, self.tables, self.hearing.hear, folder / "contracts")
        self.target = target_of(self.s3, self.machine, self.execute)
        self.checks = Checks(self.oracle, self.world, self.tables, self.target, self.machine)
        self._to_retry: list[tuple[date, str]] = []
        self._overlap: tuple[int, Json] | None = None
        self._requests_of_checks = 0
        self._worst = (1, 1, FIRST_EVENING)
        self._tries: Counter[str] = Counter()
        self._people = random.Random(f"people/{seed}")
        self._queries = saved_queries()

    def in_place(self) -> AbstractContextManager[None]:
        """The functions use this lake."""
        return self.deployment.in_place()

    def play(self) -> None:
        """All evenings."""
        for number, evening in enumerate(self.script.evenings):
            self.s3.now = datetime.combine(evening, RUN_AT)
            self._expire()
            for act in self.script.acts:
                if act.evening == evening:
                    self._do(act)
            self.run("daily", self._scheduled())
            self.s3.fault, self._overlap = None, None
            self._retry_what_is_due(evening)
            self._check(self._queries_of(number))

    def run(self, kind: str, request: Json) -> None:
        """An execution; one after which there is a mail is run again some days later."""
        self.counted[kind] += 1
        name = f"{kind.replace(' ', '-')}-{self.s3.now.date()}-{self.counted[kind]}"
        self.execute(name, request)
        self._note(name)

    def execute(self, name: str, request: Json) -> Json:
        """The ended execution of this name."""
        ended = self.machine.run(name, request)
        self.counted[f"runs {ended['status']}"] += 1
        return ended

    def retry(self, name: str) -> None:
        """``marketlake retry NAME``."""
        try:
            works = Retries(self.target, letters_of(self.machine, self.target)).of(describe(self.target, name))
        except Refusal:  # nothing of it is left to do
            return
        self.counted["retries"] += 1
        done = [run_again(box_of(self.machine), self.target, work) for work in works]
        started = [one["execution"] for one in done if one["result"] == STARTED]
        for execution in started:
            self._note(execution)
        if started and all(describe(self.target, execution).status == "SUCCEEDED" for execution in started):
            for one in run_report(self.target, name).get("restatements", []):
                if one["event"] == "split":
                    self.checks.one_basis(one["symbol"], one["last"])
                    self.counted["splits brought on one basis"] += 1

    def _check(self, queries: Sequence[SavedQuery]) -> None:
        before = self.s3.requests.total()
        self.checks.hold(self.seed, {name for _, name in self._to_retry}, queries)
        self._requests_of_checks += self.s3.requests.total() - before
        if queries is self._queries:
            self._worst = min(self._worst, self._days_before(), key=lambda year: year[0] / year[1])

    def _retry_what_is_due(self, evening: date) -> None:
        due = [name for day, name in self._to_retry if day <= evening]
        self._to_retry = [one for one in self._to_retry if one[0] > evening]
        for name in due:
            self.retry(name)

    def _note(self, name: str) -> None:
        restated = run_report(self.target, name).get("restatements", [])
        ended = describe(self.target, name)
        self._tries[ended.input] += ended.status == "FAILED"
        if self._tries[ended.input] > MOST_TRIES:
            self._give_up(name)
        elif ended.status == "FAILED" or any(one["mails"] for one in restated):
            # Who sees a retry fail waits for a week.
            wait = 7 if name.startswith(("retry", "redrive")) else self._people.choice((1, 2, 4, 7, 8))
            self._to_retry.append((self.s3.now.date() + timedelta(days=wait), name))

    def _give_up(self, name: str) -> None:
        """``marketlake dlq purge``: the source withdrew what was to be loaded."""
        for letter in letters_of(self.machine, self.target):
            if letter.execution == name:
                box_of(self.machine).delete(letter.id)
                self.counted["purged"] += 1

    def _queries_of(self, number: int) -> Sequence[SavedQuery]:
        """All at the end of a month, else two in turn."""
        evenings, every = self.script.evenings, len(self._queries)
        if number + 1 == len(evenings) or evenings[number + 1].month != evenings[number].month:
            return self._queries
        return [self._queries[number % every], self._queries[(number + 7) % every]]

    def _scheduled(self) -> Json:
        return {"trigger": "schedule", "scheduled_time": self.machine.now_iso()}

    def _do(self, act: Act) -> None:
        if act.request is not None:
            self.run(act.kind, act.request)
        elif act.kind in ("kill", "busy"):
            times = FOR_GOOD if act.kind == "kill" and act.number % 5 == 0 else 1
            self.s3.fault = Fault(act.kind, act.number, times, stored=act.number % 2 == 0)
            self.counted[act.kind] += 1
        elif act.kind == "overlap":
            # The schedule's own start a second time, or one by hand.
            self._overlap = (act.number, self._scheduled() if act.number % 3 == 0 else {})
        elif act.kind == "delist":
            self.deployment.delist(act.symbol, self.s3.now.date() - timedelta(days=6))
            self.counted[act.kind] += 1
        else:
            assert act.kind == "deploy"
            self.deployment.add_a_column()
            self.counted[act.kind] += 1

    def _before_call(self, call: Call) -> None:
        if call.state == "Report":
            self.hearing.confirm(call)
        if self._overlap is not None:
            count, request = self._overlap
            self._overlap = (count - 1, request) if count else None
            if not count:
                fault, self.s3.fault = self.s3.fault, None
                self.run("overlap", request)
                self.s3.fault = fault

    def _expire(self) -> None:
        for rule, _ in carry_out(self.rules, self.s3, NAMES, self.s3.now):
            self.counted[rule.id] += 1
        self.counted["messages expired"] += self.machine.expire_messages()
        for before in self.shadow.values():
            before.expire(self.s3.now.date())

    def summary(self) -> str:
        """What a seed was, and what a wrong answer would have been before."""
        runs = self.counted["runs SUCCEEDED"] + self.counted["runs FAILED"]
        held = sum(self.tables.years(name).height for name in dataset_names())
        answered = Counter(one.kind for one in self.script.happenings)
        requests = (self.s3.requests.total() - self._requests_of_checks) // runs
        lines = [
            f"seed {self.seed}: {runs} runs on {len(self.script.evenings)} evenings, {self.hearing.rows} rows came, "
            f"{held} rows held, {self.checks.asked} queries, {requests} requests to S3 a run",
            f"  sources: {_listed(answered)}",
            f"  people and machines: {_listed(self.counted)}",
            f"  errors: {_listed(self.machine.failures)}; {len(self.machine.mails)} mails",
            f"  {self._lost_before()}",
        ]
        return "\n".join(lines)

    def _lost_before(self) -> str:
        expected = {name: set(self.oracle.of(name).rows.select("dt", "symbol").rows()) for name in dataset_names()}
        held = {name: self.shadow[name].held() for name in dataset_names()}
        rows = sum(len(expected[name] - held[name]) for name in expected)
        days = sum(len({day for day, _ in expected[name]} - {day for day, _ in held[name]}) for name in expected)
        there, wanted, evening = self._worst
        return (
            f"before decision 12: {rows} rows lost, {days} days of them whole; on {evening} the 52-week high of "
            f"{TICKERS[0]} from {there} days, not {wanted}"
        )

    def _days_before(self) -> tuple[int, int, date]:
        """Of how many days of the last 52 weeks a ticker would have a row, of how many it has one, and today."""
        today = self.s3.now.date()
        rows = self.oracle.of(PRICES).rows.filter(pl.col("dt") >= today - timedelta(days=364), symbol=TICKERS[0])
        of_year = {(day, TICKERS[0]) for day in rows["dt"]}
        return len(of_year & self.shadow[PRICES].held()), len(of_year), today


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()) if count)
