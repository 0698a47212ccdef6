"""The saved queries in ``assets/queries``: a file each, with name, description and parameters in leading comments.

Terraform reads the same files (``infra/athena.tf``). Parameters are positional question marks in the text; the
comment ``-- parameters: start, end`` names them in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.facts import ROOT
from infra.ops.errors import Refusal

FOLDER = ROOT / "assets" / "queries"

NAME = re.compile(r"[\w-]+")
NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
PLAIN = re.compile(r"[A-Za-z0-9.^=_-]{1,40}")
"""A date, a number or a symbol (BT-A.L, GBPUSD=X, ^FTSE): nothing that could end a literal."""

QUESTION_MARK = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|(\?)", re.DOTALL)


@dataclass(frozen=True)
class SavedQuery:
    """A query of the project; ``parameters`` name its question marks, in order."""

    name: str
    description: str
    parameters: tuple[str, ...]
    sql: str


def saved_queries(folder: Path = FOLDER) -> list[SavedQuery]:
    """All saved queries, by name."""
    return sorted((_parse(path) for path in folder.glob("*.sql")), key=lambda query: query.name)


def find_query(name: str, folder: Path = FOLDER) -> SavedQuery:
    """The saved query ``name``, dashes and underscores being the same.

    Raises:
        Refusal: there is none.
    """
    found = {query.name.replace("-", "_"): query for query in saved_queries(folder)}
    try:
        return found[name.replace("-", "_")]
    except KeyError:
        there = ", ".join(query.name for query in found.values()) or "none"
        raise Refusal(f"there is no saved query {name!r}; there are: {there}", "or give SQL in quotes") from None


def _parse(path: Path) -> SavedQuery:
    text = path.read_text("utf-8")

    def said(key: str) -> str:
        found = re.search(rf"^-- {key}:(.*)$", text, re.MULTILINE)
        return found[1].strip() if found else ""

    parameters = tuple(name.strip() for name in said("parameters").split(",") if name.strip())
    lines = [line for line in text.splitlines() if not line.startswith("-- ")]
    return SavedQuery(said("name") or path.stem, said("description"), parameters, "\n".join(lines).strip())


def parse_parameters(query: SavedQuery, given: Iterable[str]) -> list[str]:
    """Values of the query's parameters, in its order, from ``key=value`` texts.

    Raises:
        Refusal: one is unknown, missing, given twice or not ``key=value``.
    """
    wanted = f"{query.name} takes {', '.join(query.parameters) or 'no parameters'}"
    values: dict[str, str] = {}
    for text in given:
        key, found, value = text.partition("=")
        if not found or key not in query.parameters or key in values:
            raise Refusal(f"--param {text!r} is not accepted; {wanted}", "give each once, as --param name=value")
        values[key] = value
    missing = [name for name in query.parameters if name not in values]
    if missing:
        given_all = " ".join(f"--param {name}=..." for name in missing)
        raise Refusal(f"--param {missing[0]} is missing; {wanted}", f"add {given_all}")
    return [values[name] for name in query.parameters]


def literal(value: str) -> str:
    """``value`` as an SQL literal: numbers as they are, all else in quotes. Athena parses each parameter as one."""
    return value if NUMBER.fullmatch(value) else "'" + value.replace("'", "''") + "'"


def with_literals(sql: str, names: Iterable[str], values: Mapping[str, str]) -> str:
    """``sql`` with its question marks replaced, for an engine that takes no parameters.

    Raises:
        Refusal: a value is more than a date, a number or a symbol, and is not put into SQL text.
    """
    literals: list[str] = []
    for name in names:
        if not PLAIN.fullmatch(values[name]):
            raise Refusal(
                f"--param {name}={values[name]!r}: the embedded AWS takes no query parameters, so that only a plain "
                "date, number or symbol can be put into the SQL",
                "write the SQL with the value yourself, or query a real account",
            )
        literals.append(literal(values[name]))
    remaining = iter(literals)
    return QUESTION_MARK.sub(lambda found: next(remaining, "?") if found[1] else found[0], sql)
