"""A call whose answer was lost gets it when it asks again, and is carried out once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infra.local.lost_answers import KEPT, answered_again


class Emulator:
    """An application that counts what it carries out, and answers with the count."""

    def __init__(self, status: int = 200) -> None:
        self.carried_out, self.status = 0, status
        self._application = answered_again(self._answer)

    async def _answer(self, _scope: dict[str, Any], _receive: Any, send: Any) -> None:
        self.carried_out += 1
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": f"{self.carried_out}".encode()})

    def ask(self, call: str, attempt: int, method: str = "POST") -> bytes:
        """The body of the answer."""
        headers = [
            (b"amz-sdk-invocation-id", call.encode()),
            (b"amz-sdk-request", f"attempt={attempt}; max=25".encode()),
        ]
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        async def receive() -> dict[str, Any]:
            raise AssertionError("nothing reads")

        scope = {"type": "http", "method": method, "headers": headers}
        asyncio.run(self._application(scope, receive, send))
        return bytes(sent[-1]["body"])


def test_the_second_attempt_of_a_call_gets_the_answer_of_the_first() -> None:
    emulator = Emulator()
    assert (emulator.ask("a", 1), emulator.ask("b", 1), emulator.ask("a", 2)) == (b"1", b"2", b"1")
    assert emulator.carried_out == 2


@pytest.mark.parametrize(("status", "method"), [(503, "POST"), (409, "POST"), (200, "GET")])
def test_what_failed_and_what_only_reads_is_asked_again(status: int, method: str) -> None:
    emulator = Emulator(status)
    assert (emulator.ask("a", 1, method), emulator.ask("a", 2, method)) == (b"1", b"2")


def test_few_answers_are_kept() -> None:
    emulator = Emulator()
    for number in range(KEPT + 1):
        emulator.ask(f"{number}", 1)
    assert emulator.ask("0", 2) == f"{KEPT + 2}".encode()
    assert emulator.ask(f"{KEPT}", 2) == f"{KEPT + 1}".encode()
