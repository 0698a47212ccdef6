"""Lambda for one call: the Runtime API that AWS's runtime client polls, and a function's unpacked zip as its process.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

RUNTIME = "/2018-06-01/runtime"
REQUEST_ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
TRACE_ID = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
ARN = "arn:aws:lambda:eu-west-2:123456789012:function:marketlake-test"
SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What the runtime client sent to Lambda. ``kind``: response, error (of the call) or init (of the import)."""

    kind: str
    body: Any

    @property
    def error(self) -> str:
        """The error's class, by which Step Functions would choose a Retry; empty for a response."""
        return "" if self.kind == "response" else str(self.body["errorType"])


class RuntimeApi:
    """Gives ``event`` to whoever asks first, and keeps the answer."""

    def __init__(self, event: object) -> None:
        self.event = json.dumps(event).encode()
        self.asked = False
        self.answer: Answer | None = None
        self.answered, self.over = threading.Event(), threading.Event()
        api = self

        class Handler(_Handler):
            owner = api

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        """Host and port, as in AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: RuntimeApi

    def handle(self) -> None:
        with suppress(ConnectionError):  # the process is killed when it has answered
            super().handle()

    def do_GET(self) -> None:
        assert self.path == f"{RUNTIME}/invocation/next", self.path
        if self.owner.asked:
            self.owner.over.wait(SECONDS)  # the next call never comes
            self.close_connection = True
            return
        self.owner.asked = True
        deadline = str(int((time.time() + SECONDS) * 1000))
        headers = {"Lambda-Runtime-Deadline-Ms": deadline, "Lambda-Runtime-Trace-Id": TRACE_ID}
        self._send(200, self.owner.event, headers)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kinds = {
            f"{RUNTIME}/invocation/{REQUEST_ID}/response": "response",
            f"{RUNTIME}/invocation/{REQUEST_ID}/error": "error",
            f"{RUNTIME}/init/error": "init",
        }
        self.owner.answer = Answer(kinds[self.path], body)
        self._send(202, b"{}", {})
        self.owner.answered.set()

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        known = {"Lambda-Runtime-Aws-Request-Id": REQUEST_ID, "Lambda-Runtime-Invoked-Function-Arn": ARN}
        self.send_response(status)
        for name, value in {**known, **headers, "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def invoke(unpacked: Path, handler: str, event: object, settings: Mapping[str, str]) -> Answer:
    """Call ``handler`` of the zip unpacked at ``unpacked`` as Lambda does: by its bootstrap, in a process of its own
    with nothing of this process's environment."""
    api = RuntimeApi(event)
    environment = {
        "PATH": os.environ["PATH"],
        "MARKETLAKE_PYTHON": sys.executable,
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "_HANDLER": handler,
        "LAMBDA_TASK_ROOT": str(unpacked),
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": "marketlake-test",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_REGION": "eu-west-2",
        "AWS_DEFAULT_REGION": "eu-west-2",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_SESSION_TOKEN": "testing",
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
        **settings,
    }
    command = [str(unpacked / "bootstrap")]
    process = subprocess.Popen(
        command, env=environment, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    printed: list[str] = []
    reader = threading.Thread(target=lambda: printed.extend(process.stdout or ()), daemon=True)
    reader.start()
    try:
        wait_for(api, process)
    finally:
        process.kill()
        process.wait()
        reader.join(5)
        api.close()
    assert api.answer is not None, f"{handler} ended without an answer; it printed: {''.join(printed)[-3000:]}"
    return api.answer


def wait_for(api: RuntimeApi, process: subprocess.Popen[str]) -> None:
    """Until there is an answer, the process has ended, or the time is up."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and not api.answered.wait(0.05):
        if process.poll() is not None:
            api.answered.wait(0.2)
            return
