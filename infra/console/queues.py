"""The dead-letter queue and the mails as the page shows them, and what the page may do with them.

To read a queue keeps its messages from others for a moment, so it is read when the page asks, one reader at a time;
in between, the page polls the counts alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

from infra.client.dead_letters import Letter, counts, held, letters_of, record_of
from infra.client.errors import Refusal
from infra.client.executions import describe
from infra.client.mailbox import mailbox_name, mails_in
from infra.client.retries import retry_failed, run_again, work_of
from infra.client.target import Target
from marketlake.intervals import text_of

GONE = {"result": "is not there any more", "done": False, "execution": "", "input": {}}
"""What is done with a message that somebody else has run again or deleted."""


class Queues:
    """The queues of a deployment."""

    def __init__(self, target: Target) -> None:
        self._target, self._lock = target, Lock()

    def counts(self) -> dict[str, dict[str, int] | None]:
        """About how many messages each queue holds, and how many of these somebody is reading."""
        mails = self._count(mailbox_name(self._target)) if self._target.is_local else None
        return {"queue": self._count(self._target.names["dlq"]), "mails": mails}

    def letters(self) -> dict[str, Any]:
        """The dead letters, oldest first."""
        with self._lock, held(self._target, self._target.names["dlq"]) as box:
            letters = letters_of(box, self._target)
        hidden = 0 if letters else self._count(self._target.names["dlq"])["hidden"]
        return {"letters": [_record(letter) for letter in letters], "hidden": hidden}

    def redrive(self, ids: Sequence[str], *, dry_run: bool) -> dict[str, Any]:
        """Run the work of these messages again, and delete each once its start was accepted."""
        with self._lock, held(self._target, self._target.names["dlq"]) as box:
            there = {letter.id: letter for letter in letters_of(box, self._target)}
            results = [
                {"id": one, **run_again(box, self._target, work_of(there[one]), dry_run=dry_run)}
                if one in there
                else {"id": one, **GONE}
                for one in dict.fromkeys(ids)
            ]
        return {"results": results}

    def retry(self, name: str, *, dry_run: bool) -> dict[str, Any]:
        """Run again what the ended execution ``name`` did not get done, as ``marketlake retry`` does.

        Raises:
            Refusal: there is no such execution, or nothing of it can be run again.
        """
        found = describe(self._target, name)
        with self._lock:
            return {"results": retry_failed(self._target, found, dry_run=dry_run)}

    def purge(self, ids: Sequence[str]) -> dict[str, Any]:
        """Delete these messages for good; what came in since the page was read stays."""
        with self._lock, held(self._target, self._target.names["dlq"]) as box:
            doomed = [one for one in dict.fromkeys(ids) if one in box.messages]
            for one in doomed:
                box.delete(one)
        return {"deleted": len(doomed)}

    def mails(self) -> dict[str, Any]:
        """The mails, newest first; ``why`` says where they are, where they are not here."""
        if not self._target.is_local:
            why = (
                f"mails go to those who subscribed to the topic {self._target.names['topic']}: look into their mailbox"
            )
            return {"mails": [], "why": why}
        with self._lock, held(self._target, mailbox_name(self._target)) as box:
            return {"mails": mails_in(box), "why": ""}

    def _count(self, queue: str) -> dict[str, int]:
        visible, hidden = counts(self._target, queue)
        return {"visible": visible, "hidden": hidden}


def ids_in(document: object) -> list[str]:
    """The ids in a post of the page.

    Raises:
        Refusal: there are none.
    """
    ids = document.get("ids") if isinstance(document, dict) else None
    if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
        raise Refusal("no message was named", "choose messages of the queue")
    return ids


def _record(letter: Letter) -> dict[str, Any]:
    record = record_of(letter) | {"period": text_of(letter.days, most=2), "body": letter.body}
    return record | {"starts": "" if letter.refusal else letter.starts}
