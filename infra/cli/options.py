"""Options and small checks that several commands share."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from infra.cli.setup import Setup
from infra.client.errors import Refusal
from marketlake.contract import dataset_names

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables.")]
Datasets = Annotated[
    list[str] | None,
    typer.Option("--dataset", help="Only this dataset; may be given several times.", show_default=False),
]


def setup_of(context: typer.Context) -> Setup:
    """What the global options said."""
    found = context.obj
    if not isinstance(found, Setup):
        raise TypeError("the command's context holds no Setup; it is made in infra.cli.main")
    return found


def parse_day(option: str, text: str | None) -> date | None:
    """An option's ISO date.

    Raises:
        Refusal: it is none.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal(f"{option} is {text!r}; accepted is a date as YYYY-MM-DD") from None


def known_datasets(name: str | None) -> list[str]:
    """The dataset ``name``, or all.

    Raises:
        Refusal: there is none of that name.
    """
    if name is None:
        return dataset_names()
    if name not in dataset_names():
        raise Refusal(f"there is no dataset {name!r}; there are {', '.join(dataset_names())}")
    return [name]
