"""Who was in the index when: ``contracts/membership.csv``, from the reviews that can be evidenced.

It says nothing of what is loaded: that is the symbols file. A query joins on it to ask about an index as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from marketlake.csv_rows import read_rows, require
from marketlake.errors import ContractViolation

FILE = "membership.csv"


@dataclass(frozen=True)
class Membership:
    """``ticker`` is in the index from ``joined``, and not any more from ``left`` (None: it still is)."""

    ticker: str
    joined: date
    left: date | None


def parse_membership(content: bytes, name: str) -> tuple[Membership, ...]:
    """The stretches in a file with the columns ticker, joined, left.

    Raises:
        ContractViolation: not such a file, or two stretches of a ticker that overlap; the message names the line.
    """
    header, rows = read_rows(content, name)
    require(header, ("ticker", "joined", "left"), name, f"contracts/{FILE}")
    found: list[Membership] = []
    before: dict[str, list[tuple[Membership, str]]] = {}
    for place, row in rows:
        stretch = _stretch(row, place)
        for other, where in before.setdefault(stretch.ticker, []):
            if stretch.joined < (other.left or date.max) and other.joined < (stretch.left or date.max):
                raise ContractViolation(
                    f"{place}: {stretch.ticker} from {stretch.joined} overlaps with {where}; "
                    "accepted are stretches each of which starts when the one before has ended"
                )
        before[stretch.ticker].append((stretch, place))
        found.append(stretch)
    return tuple(found)


def _stretch(row: dict[str, str], place: str) -> Membership:
    if not row["ticker"]:
        raise ContractViolation(f"{place}: no ticker; fill it in or drop the line")
    try:
        joined = date.fromisoformat(row["joined"])
        left = date.fromisoformat(row["left"]) if row["left"] else None
    except ValueError as error:
        raise ContractViolation(f"{place}: joined and left are ISO dates (left may be empty): {error}") from error
    if left is not None and left <= joined:
        raise ContractViolation(f"{place}: left {left} is not after joined {joined}; correct one of them")
    return Membership(row["ticker"], joined, left)
