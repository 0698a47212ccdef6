"""The mail about an execution that lost nothing but noticed a rewritten history."""

from __future__ import annotations

from report.mail import console_link, fitted
from report.notice import Notice


def notice_subject(notice: Notice) -> str:
    """A subject that names the first rewrite that mails."""
    first = next(rewrite for rewrite in notice.rewrites if rewrite.mails)
    more = f" (+{len(notice.rewrites) - 1} more)" if len(notice.rewrites) > 1 else ""
    return fitted(f"marketlake: {first.dataset} {first.symbol}: a {first.event} rewrote its history", more)


def notice_message(notice: Notice, done: str, execution_arn: str) -> str:
    """The mail's body: what was noticed, what to run, and what was loaded."""
    return "\n".join(
        [
            *notice.section(),
            f"NOTHING WAS LOST: {done}.",
            "",
            f"THE EXECUTION: {console_link(execution_arn)}",
        ]
    )
