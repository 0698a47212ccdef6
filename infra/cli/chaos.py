"""``marketlake chaos``: which faults are made on the embedded AWS, and how many were."""

from __future__ import annotations

from typing import Any

import typer

from infra.cli.options import AsJson, setup_of
from infra.cli.screen import Screen, safe
from infra.client.errors import Refusal
from infra.faults.switch import Setting, Switch

COLUMNS = ["surface", "kind", "injected"]
HOW_OFF = "marketlake up --chaos none"


def chaos(context: typer.Context, as_json: AsJson = False) -> None:
    """Show which faults are made on purpose on the embedded AWS, and how often each was since they were turned on."""
    setup, screen = setup_of(context), Screen(as_json)
    if not setup.is_local:
        raise Refusal("faults are injected on the local AWS emulator only; `chaos` takes no --profile or --region")
    switch = Switch(setup.root)
    screen.say(safe(said_of(switch.setting())))
    screen.table(records_of(switch), COLUMNS, title="faults injected", empty="none")


def said_of(setting: Setting | None) -> str:
    """What is on, in a sentence."""
    if setting is None:
        return "chaos is off; turn it on with: marketlake up --chaos PROFILE"
    profile = setting.profile
    return f"chaos {profile.name}, seed {setting.seed}: {profile.about}; off: {HOW_OFF}"


def records_of(switch: Switch) -> list[dict[str, Any]]:
    """A record a kind of fault, by surface."""
    counts = sorted(switch.injected().items())
    return [{"surface": surface, "kind": kind, "injected": count} for (surface, kind), count in counts]
