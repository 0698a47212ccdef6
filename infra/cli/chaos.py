"""``marketlake chaos``: which faults are injected on the emulator, and how many were."""

from __future__ import annotations

import typer

from infra.cli.options import AsJson, setup_of
from infra.cli.screen import Screen, safe
from infra.client.errors import Refusal
from infra.faults.injector import Setting, Switch

COLUMNS = ["surface", "kind", "injected"]
HOW_OFF = "marketlake up --chaos none"


def chaos(context: typer.Context, as_json: AsJson = False) -> None:
    """Show which faults are injected on the local AWS emulator, and how many of each since they were turned on."""
    setup, screen = setup_of(context), Screen(as_json)
    if not setup.is_local:
        raise Refusal("faults are injected on the local AWS emulator only; `chaos` takes no --profile or --region")
    switch = Switch(setup.root)
    screen.say(safe(describe(switch.setting())))
    counts = sorted(switch.injected().items())
    records = [{"surface": surface, "kind": kind, "injected": count} for (surface, kind), count in counts]
    screen.table(records, COLUMNS, title="faults injected", empty="none")


def describe(setting: Setting | None) -> str:
    """What is on, in a sentence."""
    if setting is None:
        return "fault injection is off; turn it on with: marketlake up --chaos PROFILE"
    profile = setting.profile
    return f"fault injection {profile.name}, seed {setting.seed}: {profile.about}; off: {HOW_OFF}"
