"""Renamed tickers: one history under the name of today.

``contracts/aliases.csv`` says which name another has taken the place of. A request for the old name means the new one,
and rows that the lake has under the old name are read under the new one, so that they are written under it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from marketlake.contract import CONTRACTS
from marketlake.csv_rows import read_rows, require
from marketlake.errors import ContractViolation

FILE = "aliases.csv"


@dataclass(frozen=True)
class Alias:
    """``old`` is ``new`` from ``since``, the first of the month where no more than that is known."""

    old: str
    new: str
    since: date


def parse_aliases(content: bytes, name: str) -> tuple[Alias, ...]:
    """The aliases in a file with the columns old, new, since; each leads to its last name, however many are between.

    Raises:
        ContractViolation: not such a file, a name twice, or names that lead in a circle; the message names the line.
    """
    header, rows = read_rows(content, name)
    require(header, ("old", "new", "since"), name, f"contracts/{FILE}")
    found: dict[str, tuple[Alias, str]] = {}
    for place, row in rows:
        alias = _alias(row, place)
        if alias.old in found:
            raise ContractViolation(f"{place}: {alias.old} is there already; accepted is one line for each old name")
        found[alias.old] = alias, place
    return tuple(Alias(alias.old, _last_name(alias.old, found), alias.since) for alias, _ in found.values())


def _alias(row: Mapping[str, str], place: str) -> Alias:
    if not row["old"] or not row["new"]:
        raise ContractViolation(f"{place}: old or new is empty; fill it in or drop the line")
    try:
        return Alias(row["old"], row["new"], date.fromisoformat(row["since"]))
    except ValueError as error:
        raise ContractViolation(f"{place}: since is an ISO date: {error}") from error


def _last_name(old: str, found: Mapping[str, tuple[Alias, str]]) -> str:
    seen = [old]
    while seen[-1] in found:
        alias, place = found[seen[-1]]
        if alias.new in seen:
            circle = " -> ".join([*seen, alias.new])
            raise ContractViolation(f"{place}: {circle} is a circle; accepted are names that end at a listed one")
        seen.append(alias.new)
    return seen[-1]


@cache
def shipped_aliases() -> Mapping[str, Alias]:
    """The aliases of this project by their old names."""
    return {alias.old: alias for alias in parse_aliases((CONTRACTS / FILE).read_bytes(), FILE)}


def current_name(symbol: str) -> str:
    """The name of today of ``symbol``: itself unless it was renamed."""
    alias = shipped_aliases().get(symbol)
    return alias.new if alias else symbol
