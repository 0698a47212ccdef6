"""The functions in this process, warm: a year's run over its bare requests, and Transform beside its peers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median

from tests.bench import stages
from tests.bench.bare import Bare, recorded
from tests.bench.costs import DATASETS, YEARS, year
from tests.bench.output import ratios, row, spread, title
from tests.bench.peers import PEERS, Peers
from tests.bench.stages import Invocation, Spent, invoke, remove, written
from tests.bench.trees import NOW, deployed
from tests.bench.usage import Calls
from tests.e2e.pipeline import Pipeline

REPEATS, PEER_REPEATS = 5, 3


def whole(folder: Path) -> None:
    """Both comparisons, on an emulator of their own."""
    with deployed(NOW, folder / "whole") as pipeline:
        stages.use(pipeline)
        calls = Calls(pipeline)
        called = stages.invocations(pipeline, year(YEARS[-1], *DATASETS))
        remove(pipeline, written(calls.new()))
        replayed = [_replayed(pipeline, calls, invocation) for invocation in called]
        _over_bare(pipeline, replayed)
        with Peers(pipeline) as peers:
            _beside_peers(pipeline, peers, [one for one in replayed if one.invocation.function == "transform"])


@dataclass(frozen=True)
class Replayed:
    """A call of a function: the requests that it made, and the objects that it wrote."""

    invocation: Invocation
    requests: Bare
    wrote: set[tuple[str, str]]


def _replayed(pipeline: Pipeline, calls: Calls, invocation: Invocation) -> Replayed:
    with recorded() as asked:
        invoke(invocation)
    made = calls.new()
    return Replayed(invocation, Bare(pipeline, made, asked), written(made))


def _over_bare(pipeline: Pipeline, replayed: Sequence[Replayed]) -> None:
    spent: dict[str, list[tuple[Spent, Spent]]] = {"": []}
    for _ in range(REPEATS):
        for one in replayed:
            remove(pipeline, one.wrote)
        round_of: dict[str, list[tuple[Spent, Spent]]] = {}
        for one in replayed:
            pair = invoke(one.invocation), one.requests.run()
            round_of.setdefault(one.invocation.function, []).append(pair)
        for function, pairs in round_of.items():
            spent.setdefault(function, []).append(_sum(pairs))
        spent[""].append(_sum([pair for pairs in round_of.values() for pair in pairs]))
    columns = ("function", "wall s", "over its bare requests", "CPU s", "CPU of its bare requests, s")
    title("A year of both datasets, warm, over a bare loop of its own requests", *columns)
    for function, pairs in [*((name, pairs) for name, pairs in spent.items() if name), ("all", spent[""])]:
        runs, loops = zip(*pairs, strict=True)
        row(
            function,
            spread([run.wall for run in runs]),
            spread(ratios([run.wall for run in runs], [loop.wall for loop in loops])),
            spread([run.cpu for run in runs]),
            spread([loop.cpu for loop in loops]),
        )


def _sum(pairs: Sequence[tuple[Spent, Spent]]) -> tuple[Spent, Spent]:
    runs, loops = zip(*pairs, strict=True)
    return _total(runs), _total(loops)


def _total(spent: Sequence[Spent]) -> Spent:
    return Spent(sum(one.wall for one in spent), sum(one.cpu for one in spent))


def _beside_peers(pipeline: Pipeline, peers: Peers, transforms: Sequence[Replayed]) -> None:
    names = [str(one.invocation.payload["batch"]["dataset"]) for one in transforms]
    found = [_in_turn(pipeline, peers, name, one) for name, one in zip(names, transforms, strict=True)]
    columns = [[f"{name}: s", "over Transform", "CPU s", "CPU over Transform"] for name in names]
    title("Transform of a year beside its peers, on the same raw days", "who", *chain(*columns))
    for who in ("Transform", *PEERS):
        cells: list[str] = []
        for spent in found:
            for kind in ("wall", "cpu"):
                theirs, ours = ([getattr(one, kind) for one in spent[name]] for name in (who, "Transform"))
                cells += [f"{median(theirs):.2f}", spread(ratios(theirs, ours))]
        row(who, *cells)


def _in_turn(pipeline: Pipeline, peers: Peers, dataset: str, transform: Replayed) -> dict[str, list[Spent]]:
    spent: dict[str, list[Spent]] = {name: [] for name in ("Transform", *PEERS)}
    for name in PEERS:  # warm
        peers.run(name, dataset)
    for _ in range(PEER_REPEATS):
        remove(pipeline, transform.wrote)
        spent["Transform"].append(invoke(transform.invocation))
        for name in PEERS:
            spent[name].append(peers.run(name, dataset))
    return spent
