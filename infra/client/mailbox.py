"""The mails that the local AWS emulator would have sent: a queue subscribes to the topic, not an address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from infra.client.dead_letters import LONG_AGO, Held, parse_json, sent_at, text_in
from infra.client.errors import OpsError
from infra.client.target import CONSOLE_HOST, CONSOLE_PORT, Target

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef


EXECUTION_LINK = re.compile(r"https://[\w.-]+/states/home\?region=[\w-]+#/v2/executions/details/(?P<arn>arn:\S+)")
"""A mail's link to its execution (``marketlake.console.console_link``, ``statemachine/interrupted.json``)."""


def mailbox_name(target: Target) -> str:
    """Name of the queue that is subscribed to the topic.

    Raises:
        OpsError: an account has no such queue.
    """
    if not target.is_local:
        raise OpsError(
            f"on {target.described} mails go to those who subscribed to the topic {target.names['topic']}",
            "look into their mailbox; `marketlake history` shows the same failures",
        )
    return target.names["mailbox"]


def mails_in(box: Held) -> list[dict[str, Any]]:
    """The mails, newest first: id, subject, time, body, and the name of the execution, if it has one."""
    mails = map(_mail, box.messages.values())
    return sorted(mails, key=lambda mail: mail["time"] or LONG_AGO, reverse=True)


def _mail(message: MessageTypeDef) -> dict[str, Any]:
    """A mail from the envelope that SNS puts around it; what is not an envelope is shown as it is.

    https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
    """
    body = text_in(message.get("Body"))
    try:
        envelope = parse_json(body)
    except ValueError:
        envelope = None
    mail = envelope if isinstance(envelope, dict) and "Message" in envelope else {"Message": body}
    text = text_in(mail.get("Message"))
    found = EXECUTION_LINK.search(text)
    name = unquote(found["arn"]).rpartition(":")[2] if found else ""
    # AWS's console does not have the emulator's executions, so the link leads to ours.
    ours = f"http://{CONSOLE_HOST}:{CONSOLE_PORT}/#/executions/{quote(name, safe='')} (while `marketlake console` runs)"
    return {
        "id": message["MessageId"],
        "subject": text_in(mail.get("Subject")) or "(no subject)",
        "time": sent_at(message),
        "body": EXECUTION_LINK.sub(lambda _: ours, text),
        "execution": name,
    }
