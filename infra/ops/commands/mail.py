"""``marketlake mail``: the mails that the embedded AWS would have sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.ops.dead_letters import held, parse_json, sent_at, text_in
from infra.ops.errors import OpsError
from infra.ops.options import AsJson, setup_of
from infra.ops.screen import Screen, safe, shown

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

LONG_AGO = datetime.min.replace(tzinfo=UTC)


def mail(
    context: typer.Context,
    keep: Annotated[bool, typer.Option("--keep/--purge", help="Leave the mails there, or delete those shown.")] = True,
    as_json: AsJson = False,
) -> None:
    """Show the mails about failures that the embedded AWS would have sent, newest first."""
    screen, target = Screen(as_json), setup_of(context).target()
    if not target.is_local:
        raise OpsError(
            f"on {target.described} mails go to those who subscribed to the topic {target.names['topic']}",
            "look into their mailbox; `marketlake history` shows the same failures",
        )
    # Named as in infra/local/deploy.py, which subscribes this queue to the topic in place of an address.
    with held(target, f"{target.prefix}-mailbox") as box:
        mails = sorted((_mail(message) for message in box.messages.values()), key=_time, reverse=True)
        if as_json:
            screen.document(mails)
        else:
            _tell(screen, mails, target.described)
        if not keep:
            for letter_id in list(box.messages):
                box.delete(letter_id)
            screen.say(f"{len(mails)} mails deleted")


def _mail(message: MessageTypeDef) -> dict[str, Any]:
    """A mail from the envelope that SNS puts around it; what is no envelope is shown as it is.

    https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
    """
    body = text_in(message.get("Body"))
    try:
        envelope = parse_json(body)
    except ValueError:
        envelope = None
    told = envelope if isinstance(envelope, dict) and "Message" in envelope else {"Message": body}
    return {
        "id": message["MessageId"],
        "subject": text_in(told.get("Subject")) or "(no subject)",
        "time": sent_at(message),
        "body": text_in(told.get("Message")),
    }


def _time(record: dict[str, Any]) -> datetime:
    time: datetime | None = record["time"]
    return time or LONG_AGO


def _tell(screen: Screen, mails: list[dict[str, Any]], where: str) -> None:
    if not mails:
        screen.say(f"no mail on {safe(where)}")
    for told in mails:
        screen.say(f"[bold]{safe(told['subject'])}[/]")
        screen.say(f"{shown(told['time'])}\n\n{safe(told['body'])}\n")
