"""What a profile says: at which calls faults are made, how often, and which."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from infra.local.config import LocalConfig, LocalError
from infra.sources.fault_rules import KINDS as UPSTREAM_KINDS

OFF = "none"
PROFILES = Path(__file__).parent / "profiles.json"

KINDS: Mapping[str, Sequence[str]] = {
    "upstream": UPSTREAM_KINDS,
    "s3": ("internal_error", "slow_down", "slow", "lost_answer"),
    "lambda": ("crash", "timeout", "out_of_memory", "throttle", "abandoned"),
    "athena": ("failed", "queued"),
    "sqs": ("refused",),
    "sns": ("refused",),
}
"""Kinds of fault by the surface at which they are made; docs/chaos.md has a row for each."""

MID_RUN = ("crash", "out_of_memory")
"""Kinds whose ``seconds`` is an upper bound: the process ends somewhere before, by the draw."""


class BadProfile(LocalError):
    """A profile that is not there or cannot be understood; the message says what is accepted."""


@dataclass(frozen=True)
class Fault:
    """One kind of fault. ``weight`` is its part among the kinds of its surface whose ``match``, a regular expression,
    is found in what is called; ``seconds`` is how long it takes, where it takes time; ``status`` is HTTP's,
    ``category`` Athena's."""

    kind: str
    weight: float = 1.0
    match: str = ""
    seconds: float = 0.0
    status: int = 500
    category: int = 1

    @property
    def label(self) -> str:
        """The kind as it is counted."""
        return {"status": f"status {self.status}", "failed": f"failed, category {self.category}"}.get(
            self.kind, self.kind
        )


@dataclass(frozen=True)
class Surface:
    """Where calls pass: ``share`` of them (0 to 1) get one of ``kinds``."""

    share: float
    kinds: tuple[Fault, ...]


@dataclass(frozen=True)
class Profile:
    """A named set of faults by surface."""

    name: str
    about: str
    faults: Mapping[str, Surface]

    def decide(self, seed: int, surface: str, target: str, nth: int) -> Fault | None:
        """The fault at the ``nth`` call of ``target``, or None.

        It depends on these and nothing else: not on time, and not on the order in which threads arrive.
        """
        found = self.faults.get(surface)
        if found is None:
            return None
        draw = random.Random(f"{seed}:{surface}:{target}:{nth}")  # noqa: S311 - repeatable, not secret
        if draw.random() >= found.share:
            return None
        fitting = [fault for fault in found.kinds if re.search(fault.match, target)]
        if not fitting:
            return None
        fault = draw.choices(fitting, [fault.weight for fault in fitting])[0]
        return replace(fault, seconds=draw.uniform(0, fault.seconds)) if fault.kind in MID_RUN else fault


def profile_names() -> list[str]:
    """Names of the profiles that we ship."""
    return list(json.loads(PROFILES.read_text("utf-8")))


def load_profile(wanted: str) -> dict[str, Any]:
    """The document of a profile that we ship, or of one of the user's own in a JSON file; its name is in it.

    Raises:
        BadProfile: there is none of this name, or it cannot be understood.
    """
    shipped = json.loads(PROFILES.read_text("utf-8"))
    path = Path(wanted)
    if wanted in shipped:
        document = {"name": wanted, **shipped[wanted]}
    elif path.suffix == ".json" and path.is_file():
        document = _read(path)
    else:
        raise BadProfile(f"no chaos profile {wanted!r}; accepted are {', '.join(shipped)}, a .json file, or {OFF}")
    parse_profile(document)
    return document


def of_config(config: LocalConfig) -> dict[str, Any] | None:
    """The document of the profile that ``config`` names, or None where faults are off.

    Raises:
        BadProfile: there is none of this name, it cannot be understood, or it needs sources that are replayed.
    """
    if config.chaos == OFF:
        return None
    document = load_profile(config.chaos)
    if config.source == "live" and "upstream" in document["faults"]:
        raise BadProfile(f"the chaos profile {config.chaos} makes faults in replayed sources; give --source replay too")
    return document


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadProfile(f"{path} is not readable as JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadProfile(f"{path} holds no profile: give an object like those in {PROFILES.name}")
    return {"about": "", **document, "name": path.stem}


def parse_profile(document: Any) -> Profile:
    """A profile from its JSON.

    Raises:
        BadProfile: a key, surface, kind or value that is not accepted.
    """
    if not isinstance(document, dict) or set(document) != {"name", "about", "faults"}:
        raise BadProfile("a chaos profile is an object with about and faults")
    faults = document["faults"]
    if not isinstance(faults, dict) or not faults or not set(faults) <= set(KINDS):
        raise BadProfile(f"faults of a chaos profile are an object with any of {', '.join(KINDS)}")
    surfaces = {name: _surface(name, value) for name, value in faults.items()}
    return Profile(str(document["name"]), str(document["about"]), surfaces)


def _surface(name: str, document: Any) -> Surface:
    if not isinstance(document, dict) or set(document) != {"share", "kinds"}:
        raise BadProfile(f"{name} in a chaos profile is an object with share and kinds")
    share = _number(f"share of {name}", document["share"], most=1.0)
    if not isinstance(document["kinds"], list) or not document["kinds"]:
        raise BadProfile(f"kinds of {name} are a list of at least one fault")
    return Surface(share, tuple(_fault(name, fault) for fault in document["kinds"]))


def _fault(surface: str, document: Any) -> Fault:
    known = {item.name for item in fields(Fault)}
    kinds = KINDS[surface]
    if not isinstance(document, dict) or document.get("kind") not in kinds or not set(document) <= known:
        raise BadProfile(f"a fault of {surface} has a kind ({', '.join(kinds)}) and any of {', '.join(sorted(known))}")
    for name, value in document.items():
        if name not in ("kind", "match"):
            _number(f"{name} of {surface} {document['kind']}", value)
    try:
        fault = Fault(**document)
        re.compile(fault.match)
    except (TypeError, re.error) as error:
        raise BadProfile(f"match of {surface} {document['kind']} is no regular expression: {error}") from error
    if fault.weight == 0:
        raise BadProfile(f"weight of {surface} {fault.kind} is 0; leave the kind out")
    if fault.kind == "timeout" and (fault.seconds < 1 or fault.seconds % 1):
        raise BadProfile("seconds of lambda timeout are whole and at least 1, as a function's timeout is")
    return fault


def _number(what: str, value: Any, most: float = float("inf")) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        bound = f"from 0 to {most:g}" if most < float("inf") else "of at least 0"
        raise BadProfile(f"{what} in a chaos profile is {value!r}; accepted is a number {bound}")
    return float(value)
