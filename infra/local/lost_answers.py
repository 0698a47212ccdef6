"""Answers of the emulator that were made and did not arrive, given again to the call that asks again.

Now and then, under load, a connection is closed with a request on it that MiniStack carries out: of some thirty
``terraform apply``, two stopped at what their own first request had made. AWS's SDKs say which requests are of one
call: ``amz-sdk-invocation-id`` stays, ``amz-sdk-request`` counts
(https://docs.rs/aws-runtime/latest/aws_runtime/invocation_id/index.html).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Coroutine[Any, Any, None]]

KEPT = 64
"""A call asks again within a second, and no client has more than some ten under way."""


def answered_again(application: Application) -> Application:
    """``application``, which carries out once what a call asks for twice; errors are not kept, and so tried again."""
    answers: OrderedDict[bytes, list[Message]] = OrderedDict()

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        call = headers.get(b"amz-sdk-invocation-id", b"")
        first = b"attempt=1" in headers.get(b"amz-sdk-request", b"attempt=1").replace(b" ", b"").split(b";")
        if not first and call in answers:
            for message in answers[call]:
                await send(message)
            return
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)
            await send(message)

        await application(scope, receive, keep)
        if call and scope["method"] != "GET" and sent and sent[0].get("status", 500) < 400:
            answers[call] = sent
            if len(answers) > KEPT:
                answers.popitem(last=False)

    return answer
