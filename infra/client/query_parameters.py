"""Parameters of saved queries: each has a type, which says what is accepted and how it is written as an SQL literal.

No type accepts anything that could end a literal, so that values are safe where an engine takes SQL text only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from infra.client.errors import Refusal

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
