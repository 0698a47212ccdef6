"""Options and small checks that several commands share, and what the global options say."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.client.errors import Refusal
from infra.client.target import DEFAULT_PREFIX, Target, aws_target, local_target
from marketlake.contract import dataset_names

if TYPE_CHECKING:
    from marketlake import Lake

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables.")]
Datasets = Annotated[
    list[str] | None,
    typer.Option("--dataset", help="Only this dataset; may be given several times."),
]


@dataclass(frozen=True)
class Setup:
    """Which deployment the commands work on; nothing is contacted before ``target`` is called."""

    root: Path
    profile: str | None = None
    region: str | None = None
    prefix: str = DEFAULT_PREFIX

    @property
    def is_local(self) -> bool:
        """Whether the emulator is meant: no profile, no region, and MARKETLAKE_TARGET is not ``aws``."""
        return not (self.profile or self.region or os.environ.get("MARKETLAKE_TARGET", "") == "aws")

    def target(self) -> Target:
        """The deployment.

        Raises:
            NotRunning, LocalError: the emulator is not there.
            BotoCoreError, ClientError: the account cannot be reached with these credentials.
        """
        return local_target(self.root) if self.is_local else aws_target(self.profile, self.region, self.prefix)

    def lake(self) -> Lake:
        """The lake of the deployment, for reading; the emulator need not run.

        Raises:
            NoLake, NoAccess: nothing is there, or AWS refuses the credentials.
        """
        from marketlake import Lake

        return Lake.local(self.root) if self.is_local else Lake.aws(self.profile, self.region, self.prefix)


def setup_of(context: typer.Context) -> Setup:
    """What the global options said."""
    found = context.obj
    if not isinstance(found, Setup):
        raise TypeError("the command's context holds no Setup; it is made in infra.cli.main")
    return found


def parse_day(option: str, text: str | None) -> date | None:
    """An option's ISO date.

    Raises:
        Refusal: it is not one.
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
        Refusal: there is no dataset of that name.
    """
    if name is None:
        return dataset_names()
    if name not in dataset_names():
        raise Refusal(f"there is no dataset {name!r}; there are {', '.join(dataset_names())}")
    return [name]
