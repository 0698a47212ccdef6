"""What the sources answered, and when it counts as loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import polars as pl

from fetch.sources.base import FetchRequest
from marketlake.contract import Contract, load_contract
from marketlake.intervals import from_intervals
from tests.timelapse.engine import Call
from tests.timelapse.objects import MemoryS3
from tests.timelapse.oracle import Oracle
from tests.timelapse.shadow import Before
from tests.timelapse.world import Answered


@dataclass
class Answer:
    """What the source answered for a batch, the days that it stored, and those that Validate rejected."""

    answered: pl.DataFrame
    days: list[date]
    rejected: set[date] = field(default_factory=set)


@dataclass
class Hearing:
    """Listens to the sources and to the functions' answers, for the oracle and for the shadow."""

    s3: MemoryS3
    oracle: Oracle
    shadow: dict[str, Before]
    rows: int = 0
    _last: dict[str, pl.DataFrame] = field(default_factory=dict)
    _answers: dict[tuple[str, int], Answer] = field(default_factory=dict)

    def hear(self, contract: Contract, _request: FetchRequest, rows: list[Answered]) -> None:
        """A source has answered."""
        self._last[contract.name] = self.oracle.hear(contract, rows)
        self.rows += len(rows)

    def called(self, call: Call) -> None:
        """A function has answered."""
        key, answer = (call.execution, call.batch), call.answer
        assert answer is not None
        if call.state == "Fetch":
            # A batch that shares its execution's pass over the source hears what another one was answered.
            heard = self._last[_contract(call).name]
            self._answers[key] = Answer(heard, from_intervals(_contract(call), answer["days"]))
        elif call.state == "Validate":
            runs = [from_intervals(_contract(call), one["days"]) for one in answer["rejections"]]
            self._answers[key].rejected = {day for days in runs for day in days}

    def confirm(self, call: Call) -> None:
        """Report is called: the batches that ended without a failure are in the lake from now on."""
        for result in call.event["results"]:
            answer = self._answers.pop((call.execution, result["index"]), None)
            if result["failure"] or answer is None:
                continue
            dataset, request = result["dataset"], result["input"]
            days = [day for day in answer.days if day not in answer.rejected]
            self.oracle.confirm(dataset, answer.answered, days, drop_missing=bool(request.get("drop_missing")))
            answered = answer.answered.filter(pl.col("dt").is_in(days))
            self.shadow[dataset].load(answered, days, self.s3.now.date(), patch=bool(request.get("symbols")))


def _contract(call: Call) -> Contract:
    return load_contract(call.event["batch"]["dataset"])
