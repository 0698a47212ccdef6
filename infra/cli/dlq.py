"""``marketlake dlq``: what could not be loaded, and running it again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from infra.cli.files import with_output
from infra.cli.options import AsJson, setup_of
from infra.cli.screen import Screen, safe, text_cells
from infra.client.dead_letters import Letter, counts, held, letters_of, parse_json, record_of
from infra.client.errors import FAILED, Refusal
from infra.client.retries import ACCEPTED, run_again, work_of
from marketlake.errors import shorten
from marketlake.failures import EVERYTHING, retry_command
from marketlake.intervals import text_of

LIST_COLUMNS = ["id", "dataset", "days", "state", "error", "attempts", "cause", "when", "execution"]
REDRIVE_COLUMNS = ["id", "result", "execution", "input"]
SHORT_ID, SHORT_CAUSE = 8, 80

MIN_ID = 6
"""Fewest characters of a message's id that name it on the command line."""

Ids = Annotated[list[str] | None, typer.Argument(help="First characters of the messages' ids.")]

app = typer.Typer(
    help="What could not be loaded (the dead-letter queue): list it, show it, run it again.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command("list")
@with_output
def list_letters(context: typer.Context, as_json: AsJson = False) -> None:
    """List the messages, oldest first."""
    screen, target = Screen(as_json), setup_of(context).target()
    with held(target, target.names["dlq"]) as box:
        letters = letters_of(box, target)
    records = [record_of(letter) for letter in letters]
    cells = records if as_json else [_cells(record, _short(letters)) for record in records]
    screen.table(cells, LIST_COLUMNS, title=f"dead letters on {safe(target.described)}", empty="none")
    if letters:
        screen.say(f"look at one: marketlake dlq show ID; run them again: {retry_command(EVERYTHING)}")
    elif hidden := counts(target, target.names["dlq"])[1]:
        # An empty answer does not mean an empty queue while another command has the messages.
        screen.say(f"about {hidden} messages are being read by something else; look again in a minute")


@app.command()
@with_output
def show(
    context: typer.Context,
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="First characters of the message's id.")],
    as_json: AsJson = False,
) -> None:
    """Show one message as it is, and what a redrive of it would start."""
    screen, target = Screen(as_json), setup_of(context).target()
    with held(target, target.names["dlq"]) as box:
        (letter,) = chosen(letters_of(box, target), [letter_id])
    if as_json:
        screen.document({**record_of(letter), "body": letter.body})
        return
    for name, value in _cells(record_of(letter) | {"cause": None}, len(letter.id)).items():
        if name in LIST_COLUMNS and value:
            screen.say(f"{name:<10} {safe(f'{value:%Y-%m-%d %H:%M:%S %Z}' if name == 'when' else value)}")
    screen.say(f"{'cause':<10} {safe(letter.refusal or letter.cause)}")
    if not letter.refusal:
        screen.say(f"{'run again':<10} {safe(record_of(letter)['retry'])}")
        screen.say(f"{'redrive':<10} starts {safe(letter.starts)} with {safe(json.dumps(letter.request))}")
    screen.say(f"\n{safe(_pretty(letter.body))}")


@app.command("redrive")
@with_output
def redrive_letters(
    context: typer.Context,
    ids: Ids = None,
    every: Annotated[bool, typer.Option("--all", help="Run all messages again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be started.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start an execution for each message, and delete the message once the start was accepted.

    The execution is named after the message, so a message that is redriven twice runs once.
    """
    if bool(ids) == every:
        raise Refusal("give the ids of messages, or --all", "see them with: marketlake dlq list")
    screen, target = Screen(as_json), setup_of(context).target()
    with held(target, target.names["dlq"]) as box:
        letters = letters_of(box, target)
        wanted = letters if every else _redrivable(chosen(letters, ids or []))
        records = [{"id": letter.id, **run_again(box, target, work_of(letter), dry_run=dry_run)} for letter in wanted]
    width = _short(letters)
    cells = records if as_json else [{**cells, "id": cells["id"][:width]} for cells in text_cells(records)]
    screen.table(cells, REDRIVE_COLUMNS, title=f"redrive on {safe(target.described)}", empty="no message is there")
    if any(record["done"] for record in records):
        screen.say("see how they go with: marketlake history")
    if any(record["result"] not in ACCEPTED for record in records):
        raise typer.Exit(FAILED)


@app.command()
def purge(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete all messages for good, without running them again. What comes in meanwhile stays."""
    screen, target = Screen(), setup_of(context).target()
    with held(target, target.names["dlq"]) as box:
        counted = set(box.messages)
    if not counted:
        screen.say("no message is there")
        return
    # Not held while a person thinks: the messages are read again after the answer.
    question = f"Delete {len(counted)} messages on {target.described} for good?"
    if not yes and not typer.confirm(question, err=True):
        raise Refusal("nothing was deleted", f"run them again instead with: {retry_command(EVERYTHING)}")
    with held(target, target.names["dlq"]) as box:
        doomed = [letter_id for letter_id in box.messages if letter_id in counted]
        for letter_id in doomed:
            box.delete(letter_id)
    screen.say(f"{len(doomed)} messages deleted")


def chosen(letters: Sequence[Letter], prefixes: Sequence[str]) -> list[Letter]:
    """The letters that ``prefixes`` name, each once.

    Raises:
        Refusal: a prefix is too short, or names none or several.
    """
    found: dict[str, Letter] = {}
    for prefix in prefixes:
        if len(prefix) < MIN_ID:
            raise Refusal(f"{prefix!r} is too short; accepted are the first {MIN_ID} or more characters of an id")
        named = [letter for letter in letters if letter.id.lower().startswith(prefix.lower())]
        if len(named) != 1:
            what = f"names {len(named)} messages; give more characters" if named else "names no message that is there"
            raise Refusal(f"{prefix!r} {what}", "see their ids with: marketlake dlq list --json")
        found[named[0].id] = named[0]
    return list(found.values())


def _cells(record: dict[str, Any], width: int) -> dict[str, Any]:
    return record | {
        "id": record["id"][:width],
        "days": text_of(record["days"], most=2),
        "error": record["error"] or ("" if record["redrivable"] else "unknown"),
        "cause": shorten(record["cause"] or "", SHORT_CAUSE),
    }


def _short(letters: Sequence[Letter]) -> int:
    """Fewest characters, at least ``SHORT_ID``, that tell the letters' ids apart."""
    width = SHORT_ID
    while len({letter.id[:width] for letter in letters}) < len(letters):
        width += 1
    return width


def _redrivable(letters: list[Letter]) -> list[Letter]:
    for letter in letters:
        if letter.refusal:
            raise Refusal(
                f"message {letter.id} cannot be run again: {letter.refusal}",
                f"look at it with: marketlake dlq show {letter.id}; no message was redriven",
            )
    return letters


def _pretty(body: str) -> str:
    try:
        return json.dumps(parse_json(body), indent=1, ensure_ascii=False)
    except ValueError:
        return body
