from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from infra.faults.rules import load_profile
from infra.sources.__main__ import main
from infra.sources.app import SourcesApp
from infra.sources.server import PortTaken, SourcesServer
from tests.inject import Inject

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture
def server(app: SourcesApp, tmp_path: Path) -> Iterator[SourcesServer]:
    with SourcesServer(app, 0, tmp_path / "requests.log") as running:
        yield running


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=5) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/", "/health"])
def test_health_tells_what_is_replayed(server: SourcesServer, client: httpx.Client, path: str) -> None:
    answer = client.get(server.url + path)
    assert answer.headers["content-type"].startswith("application/json")
    health = answer.json()
    assert health["prices"] == {
        "source": "simulated",
        "simulated": True,
        "seed": 1,
        "symbols": 4,
        "indices": ["^FTMC", "^FTSE"],
        "first_day": "2000-01-04",
        "last_day": "2026-10-30",
    }
    assert health["rates"] == {
        "source": "ecb",
        "simulated": False,
        "first_day": "1999-01-04",
        "last_day": "2026-10-30",
    }


def test_headers_name_the_source_and_requests_are_logged(
    server: SourcesServer, client: httpx.Client, tmp_path: Path
) -> None:
    chart = client.get(f"{server.yahoo_url}/v8/finance/chart/BP.L?range=5d&interval=1d")
    rates = client.get(f"{server.frankfurter_url}/latest")
    assert [answer.headers["x-marketlake-source"] for answer in (chart, rates)] == ["simulated", "ecb"]
    assert client.get(f"{server.url}/else").status_code == 404
    assert (tmp_path / "requests.log").read_text().splitlines() == [
        "200 GET /yahoo/v8/finance/chart/BP.L?range=5d&interval=1d",
        "200 GET /frankfurter/v1/latest",
        "404 GET /else",
    ]
    assert len(server.requests) == 3


def test_a_connection_is_reset_or_hangs(server: SourcesServer, client: httpx.Client, inject: Inject) -> None:
    inject(kind="reset", at=1)
    inject(kind="hang", seconds=30, at=2)
    with pytest.raises(httpx.TransportError):
        client.get(f"{server.frankfurter_url}/latest")
    with pytest.raises(httpx.ReadTimeout):
        client.get(f"{server.frankfurter_url}/latest", timeout=0.2)
    assert client.get(f"{server.frankfurter_url}/latest").status_code == 200
    assert inject.switch.injected() == {("upstream", "reset"): 1, ("upstream", "hang"): 1}


def test_a_throttled_answer_says_when_to_come_again(
    server: SourcesServer, client: httpx.Client, inject: Inject
) -> None:
    inject.switch.on(load_profile("wall"), 1)
    answers = [
        client.get(server.yahoo_url + path) for path in ("/v8/finance/chart/BP.L?range=5d", "/", "/v1/test/getcrumb")
    ]
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in answers} == {(429, "120")}
    rates = client.get(f"{server.frankfurter_url}/latest")
    assert (rates.status_code, "retry-after" in rates.headers) == (200, False)


def test_a_page_is_agreed_to_and_leads_to_the_chart(
    server: SourcesServer, client: httpx.Client, inject: Inject
) -> None:
    chart = f"{server.yahoo_url}/v8/finance/chart/%5EFTSE?range=5d&interval=1d"
    honest = client.get(chart).json()
    inject(kind="consent", times=1)
    page = client.get(chart, follow_redirects=True)
    assert [answer.status_code for answer in page.history] == [302]
    assert page.url.path == "/yahoo/v2/collectConsent"
    action = re.search('action="([^"]+)"', page.text)
    assert action is not None
    agreed = client.post(page.url.join(unescape(action[1])), data={"agree": "1"}, follow_redirects=True)
    assert agreed.json() == honest
    assert len(server.requests) == 5


def test_no_header_can_be_smuggled_in(server: SourcesServer, client: httpx.Client) -> None:
    answer = client.get(f"{server.yahoo_url}/copyConsent?done=a%0d%0aX-Evil:%201")
    assert (answer.status_code, "x-evil" in answer.headers) == (302, False)


def test_a_taken_port_is_reported(server: SourcesServer, app: SourcesApp, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PortTaken, match=f"port {server.port} on 127.0.0.1 is taken"):
        SourcesServer(app, server.port)
    assert main(["--port", str(server.port)]) == 2
    assert "choose another with --port" in capsys.readouterr().err


def test_bad_files_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.csv").write_text("ticker,company\nBP.L,BP\n")
    assert main(["--port", "0", "--constituents", str(tmp_path / "list.csv")]) == 2
    assert "has no column valid_from" in capsys.readouterr().err
    assert main(["--port", "0", "--prices", str(tmp_path / "none.csv")]) == 2
    assert "cannot read the prices" in capsys.readouterr().err


def test_the_command_serves_the_constituents_until_it_is_stopped(tmp_path: Path, client: httpx.Client) -> None:
    (tmp_path / "list.csv").write_text("ticker,company,sector,valid_from,valid_to\nX.L,Ex,,2020-01-01,\n")
    command = [sys.executable, "-m", "infra.sources", "--port", "0", "--constituents", str(tmp_path / "list.csv")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("sources: listening on http://127.0.0.1:")
            url = line.split()[3].rstrip(",")
            assert client.get(f"{url}/health").json()["prices"]["symbols"] == 1
        finally:
            started = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0
            assert time.monotonic() - started < 5
