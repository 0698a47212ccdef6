"""The saved queries in ``assets/queries``: a file each, with name, description and parameters in leading comments.

Terraform reads the same files (``infra/terraform/athena.tf``). Parameters are positional question marks in the text;
the comment ``-- parameters: start, end, start`` names them in order, and a line ``-- start: date, such as 2022-12-01``
gives each name its type and an example. A type says what is accepted and how it is written as an SQL literal. None
accepts anything that could end a literal, so that values are safe where an engine takes SQL text only.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, get_args

from infra.client.errors import Refusal
from marketlake.reader.shipped import QUERIES

FOLDER = QUERIES

NAME = re.compile(r"[\w-]+")
HEADER = "-- "
QUESTION_MARK = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|(\?)", re.DOTALL)


Kind = Literal["date", "ticker", "currency", "count", "number"]

ACCEPTED: dict[Kind, str] = {
    "date": "a date as YYYY-MM-DD",
    "ticker": "a symbol such as BT-A.L",
    "currency": "a currency's three letters, such as USD",
    "count": "a whole number from 1 to 9999",
    "number": "a number such as 2.5",
}
PATTERNS: dict[Kind, re.Pattern[str]] = {
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "ticker": re.compile(r"[A-Za-z0-9.^=_-]{1,40}"),
    "currency": re.compile(r"[A-Z]{3}"),
    "count": re.compile(r"[1-9][0-9]{0,3}"),
    "number": re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?"),
}
UNQUOTED: tuple[Kind, ...] = ("count", "number")


@dataclass(frozen=True)
class Parameter:
    """A named parameter of a saved query, with a value that it may have."""

    name: str
    kind: Kind
    example: str

    def literal(self, value: str) -> str:
        """``value`` as an SQL literal.

        Raises:
            Refusal: it is not of the parameter's type.
        """
        if not PATTERNS[self.kind].fullmatch(value) or (self.kind == "date" and not _is_date(value)):
            raise Refusal(
                f"--param {self.name}={value!r} is not accepted; it is {ACCEPTED[self.kind]}",
                f"give it as in --param {self.name}={self.example}",
            )
        return value if self.kind in UNQUOTED else f"'{value}'"


@dataclass(frozen=True)
class SavedQuery:
    """A query of the project; ``places`` are its question marks, in order, by the parameters' names."""

    name: str
    description: str
    places: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    sql: str

    @property
    def command(self) -> str:
        """A line to run, with each parameter's example."""
        given = "".join(f" --param {example}" for example in self.examples)
        return f"marketlake query {self.name}{given}"

    @property
    def examples(self) -> list[str]:
        """Each parameter's example, as ``name=value``."""
        return [f"{parameter.name}={parameter.example}" for parameter in self.parameters]


def saved_queries(folder: Path = FOLDER) -> list[SavedQuery]:
    """All saved queries, by name.

    Raises:
        ValueError: a file's comments are not as described above.
    """
    return sorted((_parse(path) for path in folder.glob("*.sql")), key=lambda query: query.name)


def find_query(name: str, folder: Path = FOLDER) -> SavedQuery:
    """The saved query ``name``, dashes and underscores being the same.

    Raises:
        Refusal: there is no such query; the message names those that are spelled alike, or all.
    """
    found = {query.name.replace("-", "_"): query for query in saved_queries(folder)}
    wanted = name.replace("-", "_")
    if wanted in found:
        return found[wanted]
    near = sorted({*difflib.get_close_matches(wanted, found), *(key for key in found if wanted in key)})
    known = f"near are: {', '.join(near)}" if near else f"there are: {', '.join(found) or 'none'}"
    raise Refusal(f"there is no saved query {name!r}; {known}", "see: marketlake query --list; or give SQL in quotes")


def _parse(path: Path) -> SavedQuery:
    lines = path.read_text("utf-8").splitlines()
    header = [line.removeprefix(HEADER).partition(":") for line in lines if line.startswith(HEADER)]
    said = {key.strip(): text.strip() for key, _, text in header}
    places = tuple(name.strip() for name in said.get("parameters", "").split(",") if name.strip())
    return SavedQuery(
        name=said.get("name", path.stem),
        description=said.get("description", ""),
        places=places,
        parameters=tuple(parse_parameter(name, said.get(name, ""), path.name) for name in dict.fromkeys(places)),
        sql="\n".join(line for line in lines if not line.startswith(HEADER)).strip(),
    )


def parse_parameter(name: str, text: str, place: str) -> Parameter:
    """The parameter ``name`` from what its comment says: ``date, such as 2022-12-30``; ``place`` is for the message.

    Raises:
        ValueError: the comment is not of that form, or its example is not of its type.
    """
    kind, found, example = (part.strip() for part in text.partition(", such as "))
    for known in get_args(Kind):
        if kind == known and found:
            parameter = Parameter(name, known, example)
            parameter.literal(example)
            return parameter
    raise ValueError(
        f"{place}: parameter {name} needs a line `-- {name}: TYPE, such as EXAMPLE`; types are {', '.join(ACCEPTED)}"
    )


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def literals_of(query: SavedQuery, given: Iterable[str]) -> list[str]:
    """An SQL literal for each question mark of the query, in order, from ``key=value`` texts.

    Raises:
        Refusal: one is unknown, missing, given twice, not ``key=value``, or not of its type.
    """
    known = {parameter.name: parameter for parameter in query.parameters}
    wanted = f"{query.name} takes {', '.join(known) or 'no parameters'}"
    literals: dict[str, str] = {}
    for text in given:
        key, found, value = text.partition("=")
        if not found or key not in known or key in literals:
            raise Refusal(f"--param {text!r} is not accepted; {wanted}", f"give each once, as in: {query.command}")
        literals[key] = known[key].literal(value)
    missing = [parameter for parameter in query.parameters if parameter.name not in literals]
    if missing:
        added = " ".join(f"--param {parameter.name}={parameter.example}" for parameter in missing)
        raise Refusal(f"--param {missing[0].name} is missing; {wanted}", f"add, such as: {added}")
    return [literals[name] for name in query.places]


def with_literals(sql: str, literals: Sequence[str]) -> str:
    """``sql`` with its question marks replaced, for an engine that takes no parameters."""
    remaining = iter(literals)
    return QUESTION_MARK.sub(lambda found: next(remaining, "?") if found[1] else found[0], sql)
