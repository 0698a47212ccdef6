"""``marketlake restore``: a year's object that was lost or damaged, from the versions that the bucket keeps."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Annotated, Any

import typer

from infra.cli.options import AsJson, known_datasets, setup_of
from infra.cli.screen import Screen, safe
from infra.client.errors import Refusal
from infra.client.year_versions import YearVersion, YearVersions, put_back, versions_of
from marketlake.contract import load_contract
from marketlake.failures import load_again
from marketlake.intervals import text_of, to_intervals
from marketlake.markers import marked_days

COLUMNS = ["version", "written", "bytes", "days", "lacking", "which", "note"]


def restore(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    year: Annotated[int, typer.Argument(help="The year.", min=1900, max=2200)],
    version: Annotated[str | None, typer.Option("--version", help="Put this version back; else list them.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Put it back although days that are there now are lost.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the versions of a year's object that was lost or damaged, or put one of them back."""
    known_datasets(dataset)
    screen, target = Screen(as_json), setup_of(context).target()
    found = versions_of(target, dataset, year)
    marked = marked_days(target.bucket("clean"), dataset, date(year, 1, 1), date(year, 12, 31))
    if version is None:
        _list(screen, found, marked)
        return
    chosen = found.find(version)
    lacking, other = found.lost_by(chosen)
    if (lacking or other) and not yes:
        raise Refusal(
            f"of what is there now, version {version} lacks {_text(dataset, lacking)}, and has other rows of "
            f"{_text(dataset, other)}; nothing was restored",
            "add --yes to lose these rows; it then says how to load the days again",
        )
    put_back(target, found, chosen)
    screen.table([_record(dataset, chosen, marked) | {"note": "restored"}], COLUMNS)
    if wanting := sorted(chosen.lacks(marked | set(lacking))):
        screen.say(f"load what it lacks: {safe(load_again(dataset, wanting))}")
    if other:
        screen.say(f"load again what it has other rows of: {safe(load_again(dataset, other, '--force'))}")


def _list(screen: Screen, found: YearVersions, marked: Collection[date]) -> None:
    """The versions, newest first, below the delete marker where the object is gone."""
    gone = [{"written": found.removed, "note": "deleted"}] if found.removed else []
    records = gone + [_record(found.dataset, version, marked) for version in found.versions]
    name = f"{found.dataset} {found.year}"
    screen.table(
        records, COLUMNS, title=f"versions of {name}", empty="no version is there; load the days with a backfill"
    )
    if any(not version.is_current for version in found.versions):
        screen.say(f"put one back with: marketlake restore {name} --version VERSION")


def _record(dataset: str, version: YearVersion, marked: Collection[date]) -> dict[str, Any]:
    lacking = sorted(version.lacks(marked))
    note = "current" if version.is_current else ""
    return {
        "version": version.id,
        "written": version.written,
        "bytes": version.size,
        "days": None if version.days is None else len(version.days),
        "lacking": len(lacking),
        "which": _text(dataset, lacking) if lacking else "",
        "note": note if version.days is not None else " ".join([note, "does not say which days it holds"]).strip(),
    }


def _text(dataset: str, days: Collection[date]) -> str:
    return text_of(to_intervals(load_contract(dataset), sorted(days)), most=2) or "no day"
