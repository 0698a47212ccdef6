"""``marketlake mail``: the mails that the local AWS emulator would have sent."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from infra.cli.options import AsJson, setup_of
from infra.cli.screen import Screen, safe, shown
from infra.client.dead_letters import held
from infra.client.mailbox import mailbox_name, mails_in


def mail(
    context: typer.Context,
    keep: Annotated[bool, typer.Option("--keep/--purge", help="Leave the mails there, or delete those shown.")] = True,
    as_json: AsJson = False,
) -> None:
    """Show the mails about failures that the local AWS emulator would have sent, newest first."""
    screen, target = Screen(as_json), setup_of(context).target()
    with held(target, mailbox_name(target)) as box:
        mails = mails_in(box)
        if as_json:
            screen.document(mails)
        else:
            _tell(screen, mails, target.described)
        if not keep:
            for letter_id in list(box.messages):
                box.delete(letter_id)
            screen.say(f"{len(mails)} mails deleted")


def _tell(screen: Screen, mails: list[dict[str, Any]], where: str) -> None:
    if not mails:
        screen.say(f"no mail on {safe(where)}")
    for one in mails:
        screen.say(f"[bold]{safe(one['subject'])}[/]")
        screen.say(f"{shown(one['time'])}\n\n{safe(one['body'])}\n")
