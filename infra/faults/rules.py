"""The rules of fault injection: where a fault is made, which one, and how often. A profile is a named list of them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from infra.faults.kinds import KINDS, ONLY_AT

OFF = "none"
PROFILES = Path(__file__).parent / "profiles.json"


class BadProfile(ValueError):
    """A profile that is not there or cannot be understood; the message says which entry, and what is accepted."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fault at some of the calls of a surface whose target (what is called) ``match``, a regular expression, finds.

    How often: at a ``share`` of them (0 to 1) by chance, only at the first ``times`` of these, or only at the ``at``-th
    call that matches. The shares of all rules that match a call add up: it gets one fault at most.

    What: ``kind``, and where the kind needs it: ``seconds`` is how long it takes, ``status`` HTTP's, ``retry_after``
    the seconds that it asks for, ``category`` Athena's, ``symbol`` the only currency, or the new name of a symbol,
    ``factor`` that of a spike, ``stored`` whether a write is carried out before the kill. The days of an answer that
    are changed are ``dates``, or all from ``since`` to ``until``; without any of them the last one, of dividends all.
    ``nth`` is the injector's: the how-many-th call of its target this is.
    """

    surface: str
    kind: str
    match: str = ""
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None
    at: Annotated[int, msgspec.Meta(ge=1)] | None = None
    seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 500
    category: Literal[1, 2] = 1
    retry_after: Annotated[int, msgspec.Meta(ge=0)] | None = None
    dates: tuple[date, ...] = ()
    since: date | None = None
    until: date | None = None
    factor: Annotated[float, msgspec.Meta(gt=0)] | None = None
    symbol: str = ""
    stored: bool = True
    nth: Annotated[int, msgspec.Meta(ge=0)] = 0

    def __post_init__(self) -> None:
        """Check what types do not say.

        Raises:
            ValueError: an unknown surface or kind, or a value that the kind cannot have.
        """
        if self.surface not in KINDS:
            raise ValueError(f"surface is {self.surface!r}; accepted are {', '.join(KINDS)}")
        if self.kind not in KINDS[self.surface]:
            kinds = ", ".join(KINDS[self.surface])
            raise ValueError(f"kind is {self.kind!r}; accepted for {self.surface} are {kinds}")
        try:
            re.compile(self.match)
        except re.error as error:
            raise ValueError(f"match is {self.match!r}; accepted is a regular expression: {error}") from error
        if self.kind == "timeout" and (self.seconds < 1 or self.seconds % 1):
            raise ValueError("seconds of lambda timeout are whole and at least 1, as a function's timeout is")
        if self.since and self.until and self.since > self.until:
            raise ValueError(f"since is {self.since}; accepted is a day that is not after until, {self.until}")

    @property
    def label(self) -> str:
        """The kind as it is counted."""
        details = {"status": f"status {self.status}", "failed": f"failed, category {self.category}"}
        return details.get(self.kind, self.kind)

    @property
    def names_days(self) -> bool:
        """Whether the rule says which days of an answer it is about."""
        return bool(self.dates or self.since or self.until)

    def is_on(self, day: date) -> bool:
        """Whether ``day`` is one of those that the rule names."""
        in_run = (self.since or self.until) and (self.since or day) <= day <= (self.until or day)
        return day in self.dates or bool(in_run)

    def fits(self, surface: str, target: str) -> bool:
        """Whether the rule is about this call."""
        patterns = (self.match, ONLY_AT.get(self.kind, ""))
        return self.surface == surface and all(re.search(pattern, target) for pattern in patterns)


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules under a name; ``about`` says in a sentence what fails."""

    rules: Annotated[tuple[Rule, ...], msgspec.Meta(min_length=1)]
    about: str = ""
    name: str = ""

    def concerns(self, surface: str) -> bool:
        """Whether any rule is about this surface."""
        return any(rule.surface == surface for rule in self.rules)


def choose(shares: Sequence[float], draw: float) -> int | None:
    """Position of the share on which ``draw`` (0 to 1) falls when they are laid end to end; None beyond them all."""
    at = bisect_right(list(accumulate(shares)), draw)
    return at if at < len(shares) else None


def load_profile(wanted: str) -> Profile:
    """A profile that we ship, or one of the user's own in a JSON file, whose name it gets.

    Raises:
        BadProfile: no profile has this name, or it cannot be understood.
    """
    shipped = shipped_profiles()
    path = Path(wanted)
    if wanted in shipped:
        return shipped[wanted]
    if path.suffix == ".json" and path.is_file():
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BadProfile(f"{path} cannot be read: {error}") from error
        return msgspec.structs.replace(parse(content, Profile, f"{path}"), name=path.stem)
    raise BadProfile(f"no chaos profile {wanted!r}; accepted are {', '.join(shipped)}, a .json file, or {OFF}")


def shipped_profiles() -> dict[str, Profile]:
    """The profiles that we ship, by name."""
    found = parse(PROFILES.read_bytes(), dict[str, Profile], PROFILES.name)
    return {name: msgspec.structs.replace(profile, name=name) for name, profile in found.items()}


Document = TypeVar("Document")


def parse(content: bytes, form: type[Document], where: str) -> Document:
    """The JSON document in ``content``; ``where`` is for messages.

    Raises:
        BadProfile: it has another form; the message names the entry and what is accepted.
    """
    try:
        return msgspec.json.decode(content, type=form)
    except msgspec.DecodeError as error:
        accepted = f"a profile has rules and about, a rule has {', '.join(Rule.__struct_fields__)}"
        raise BadProfile(f"{where}: {error}; {accepted}") from error
