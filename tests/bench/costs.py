"""CPU, memory and S3 requests of the functions: of a year of each dataset, beside another revision, and by symbols."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

from infra.facts import function_names
from tests.bench.output import ratios, row, spread, title
from tests.bench.trees import NOW, Tree, TreePipeline, deployed
from tests.bench.usage import Process, Used, measured, peaks

PRICES = "ftse100_prices"
DATASETS = ("fx_rates", PRICES)
COLD, WARM, YEARS = 2016, 2017, range(2018, 2023)
"""The first year finds no function running, the next one warms each dataset up, the last five are measured."""


def year(number: int, *datasets: str) -> dict[str, Any]:
    """The input of an execution for a whole year."""
    return {"datasets": list(datasets), "start": f"{number}-01-01", "end": f"{number}-12-31"}


def costs(folder: Path, base: Tree | None) -> None:
    """Load the same years by this tree and by ``base``, in turn."""
    trees = [NOW, base] if base else [NOW]
    with ExitStack() as stack:
        pipelines = [stack.enter_context(deployed(tree, folder / tree.name)) for tree in trees]
        _from_nothing(pipelines)
        found: dict[str, list[list[Used]]] = {dataset: [[] for _ in trees] for dataset in DATASETS}
        for number in (WARM, *YEARS):
            for dataset in DATASETS:
                for used, pipeline in zip(found[dataset], pipelines, strict=True):
                    used.append(measured(pipeline, year(number, dataset)))
        _table(trees, {dataset: [used[1:] for used in of_trees] for dataset, of_trees in found.items()}, pipelines)


def _from_nothing(pipelines: Sequence[TreePipeline]) -> None:
    found = [(pipeline, measured(pipeline, year(COLD, *DATASETS))) for pipeline in pipelines]
    names = (pipeline.tree.name for pipeline in pipelines)
    title("A year of both datasets from nothing, cold functions", "what", *names)
    row("seconds", *(f"{used.seconds:.1f}" for _, used in found))
    row("days stored", *(f"{used.days} ({used.days / used.seconds:.0f} a second)" for _, used in found))
    row("rows stored", *(f"{used.rows} ({used.rows / used.seconds:.0f} a second)" for _, used in found))
    histories = [[len(json.dumps(event, default=str)) for event in at.history(used.name)] for at, used in found]
    row("history events / largest event", *(f"{len(sizes)} / {max(sizes) / 1024:.0f} KB" for sizes in histories))


def _table(
    trees: Sequence[Tree], found: Mapping[str, Sequence[Sequence[Used]]], pipelines: Sequence[TreePipeline]
) -> None:
    """``found`` has the same years of each tree, by dataset."""
    names = " / ".join(tree.name for tree in trees)
    ratio = ["ratio"] if trees[1:] else []
    columns = [[f"{dataset}: CPU ms a day", *ratio, "S3 requests a day"] for dataset in found]
    title(f"A year at a time, warm: {names}", "function", *chain(*columns), "most MB")
    most = [peaks(pipeline) for pipeline in pipelines]
    for function in (*function_names(), ""):
        cells: list[str] = []
        for of_trees in found.values():
            cpu = [[used.cpu_a_day(function) for used in of_tree] for of_tree in of_trees]
            cells.append(" / ".join(f"{median(of_tree):.2f}" for of_tree in cpu))
            cells += [spread(ratios(*cpu))] if ratio else []
            cells.append(" / ".join(f"{_requests(of_tree, function):.2f}" for of_tree in of_trees))
        row(function or "all", *cells, " / ".join(_peak(peak[function]) for peak in most) if function else "")


def _requests(found: Sequence[Used], function: str) -> float:
    made = sum(used.requests[function] if function else used.requests.total() for used in found)
    return made / sum(used.days for used in found)


def _peak(process: Process) -> str:
    return f"{process.peak:.0f} ({process.peak / process.memory:.0%})"


def listed(folder: Path, number: int) -> Path:
    """A list of so many simulated symbols."""
    path = folder / f"{number}.csv"
    path.write_text("ticker,valid_from,valid_to\n" + "".join(f"Z{n:05}.L,2000-01-01,\n" for n in range(number)))
    return path


def sizes(folder: Path, numbers: Sequence[int]) -> None:
    """A year of so many simulated symbols each, on a lake of its own."""
    found = [_size(folder, number) for number in numbers]
    title("A year of prices by number of symbols", "", *(f"{number} symbols" for number in numbers))
    row("rows", *(f"{used.rows}" for used, _ in found))
    row("seconds", *(f"{used.seconds:.0f}" for used, _ in found))
    row("S3 requests a day", *(f"{used.requests.total() / used.days:.2f}" for used, _ in found))
    row("S3 requests a million rows", *(f"{1e6 * used.requests.total() / used.rows:.0f}" for used, _ in found))
    for function in function_names():
        spent = [f"{1e6 * used.cpu[function] / used.rows:.2f} / {_peak(peak[function])}" for used, peak in found]
        row(f"{function}: CPU s a million rows / most MB", *spent)
    row("all: CPU s a million rows", *(f"{1e6 * sum(used.cpu.values()) / used.rows:.1f}" for used, _ in found))


def _size(folder: Path, number: int) -> tuple[Used, dict[str, Process]]:
    with deployed(NOW, folder / f"{number}", listed(folder, number)) as pipeline:
        measured(pipeline, {"datasets": [PRICES], "start": "2020-12-21", "end": "2020-12-31"})
        return measured(pipeline, year(2021, PRICES)), peaks(pipeline)
