"""Each step of the way to a live source is broken by a server on this machine, and named."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra.cli.up import refuse_dead_ends
from infra.client import live
from infra.client.errors import Refusal
from infra.client.live import ADVICE, Addresses, Broken, ask_ecb, ask_frankfurter, ask_yahoo, check_way, probe_all
from infra.local.config import LocalConfig

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

TODAY = date(2026, 11, 24)
STAMP = 1795507200  # 2026-11-24 08:00 UTC
CHART: dict[str, Any] = {
    "meta": {"symbol": "AZN.L", "currency": "GBp"},
    "timestamp": [STAMP - 86_400, STAMP],
    "indicators": {"quote": [{"close": [13_000.0, 13_100.5]}]},
}
NOT_FOUND = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
ECB = "KEY,TIME_PERIOD,OBS_VALUE\r\nEXR.D.USD.EUR.SP00.A,2026-11-23,1.15\r\nEXR.D.USD.EUR.SP00.A,2026-11-24,1.16\r\n"
FRANKFURTER = '{"base":"EUR","rates":{"2026-11-23":{"USD":1.15},"2026-11-24":{"USD":1.16}}}'


class Upstream(ThreadingHTTPServer):
    """Answers by the beginning of the path; what is not set is a chart, a crumb and a cookie as they should be."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.answers: dict[str, tuple[int, str, dict[str, str]]] = {
            "/cookie": (404, "", {"Set-Cookie": "A3=x; Path=/"}),
            "/crumb": (200, "a.Crumb/1", {}),
            "/v8": (200, chart(), {}),
            "/data": (200, ECB, {}),
            "/20": (200, FRANKFURTER, {}),
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Upstream

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        found = (answer for start, answer in self.server.answers.items() if self.path.startswith(start))
        status, text, headers = next(found, (404, "", {}))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


def chart(error: dict[str, str] | None = None, **changes: Any) -> str:
    return json.dumps({"chart": {"result": None if error else [CHART | changes], "error": error}})


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    server = Upstream()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setattr(live, "COOKIE_URL", f"{server.url}/cookie")
    monkeypatch.setattr(live, "CRUMB_URL", f"{server.url}/crumb")
    yield server
    server.shutdown()
    server.server_close()


def yahoo(upstream: Upstream) -> str:
    return ask_yahoo(upstream.url, "AZN.L", TODAY, own=upstream.url)


def test_a_chart_and_rates_that_are_right_are_shown(upstream: Upstream) -> None:
    assert yahoo(upstream) == "AZN.L closed at 13100.5 GBp on 2026-11-24"
    assert upstream.asked == [
        "/cookie",
        "/crumb",
        "/v8/finance/chart/AZN.L?range=5d&interval=1d&crumb=a.Crumb/1",
    ]
    assert ask_ecb(upstream.url, TODAY) == "1 EUR = 1.16 USD on 2026-11-24"
    assert ask_frankfurter(upstream.url, TODAY) == "1 EUR = 1.16 USD on 2026-11-24"


def test_a_mirror_is_asked_for_the_chart_alone(upstream: Upstream) -> None:
    ask_yahoo(upstream.url, "AZN.L", TODAY)
    assert upstream.asked == ["/v8/finance/chart/AZN.L?range=5d&interval=1d"]


@pytest.mark.parametrize(
    ("path", "answer", "step"),
    [
        ("/cookie", (200, "", {}), "cookie"),
        ("/cookie", (302, "", {"Location": "http://consent.localhost:1/"}), "cookie"),
        ("/crumb", (429, "Too Many Requests", {}), "crumb"),
        ("/crumb", (200, "", {}), "crumb"),
        ("/crumb", (200, "<html></html>", {}), "crumb"),
        ("/v8", (429, "Too Many Requests", {}), "chart"),
        ("/v8", (500, "{}", {}), "chart"),
        ("/v8", (401, chart({"code": "Unauthorized", "description": "Invalid Crumb"}), {}), "chart"),
        ("/v8", (200, "<html></html>", {}), "shape"),
        ("/v8", (200, '{"chart": {"result": []}}', {}), "shape"),
        ("/v8", (200, chart(meta={}), {}), "shape"),
        ("/v8", (200, chart(timestamp=[STAMP]), {}), "shape"),
        ("/v8", (200, chart(indicators={}), {}), "shape"),
        ("/v8", (404, chart(NOT_FOUND), {}), "symbol"),
        ("/v8", (200, chart(meta={"symbol": "NEW.L", "currency": "GBp"}), {}), "symbol"),
        ("/v8", (200, chart(timestamp=[], indicators={"quote": [{}]}), {}), "symbol"),
        ("/v8", (200, chart(timestamp=[STAMP - 86_400 * 30, STAMP - 86_400 * 29]), {}), "symbol"),
    ],
)
def test_the_step_that_broke_is_named(
    upstream: Upstream, path: str, answer: tuple[int, str, dict[str, str]], step: str
) -> None:
    upstream.answers[path] = answer
    with pytest.raises(Broken) as caught:
        yahoo(upstream)
    assert caught.value.step == step
    assert step in ADVICE


def test_yahoos_consent_page_is_a_step_of_its_own(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    consent = f"http://consent.localhost:{upstream.server_port}/page"
    monkeypatch.setattr(live, "_get", lambda _step, _session, _url: type("Answer", (), {"url": consent}))
    with pytest.raises(Broken, match=r"consent: .* leads to consent\.localhost"):
        yahoo(upstream)


@pytest.mark.parametrize(
    ("ask", "path", "answer", "step"),
    [
        (ask_ecb, "/data", (404, "No results found.", {}), "status"),
        (ask_ecb, "/data", (503, "", {}), "status"),
        (ask_ecb, "/data", (200, "<html>", {}), "shape"),
        (ask_ecb, "/data", (200, ECB.replace("1.16", "NA"), {}), "shape"),
        (ask_ecb, "/data", (200, "", {}), "shape"),
        (ask_frankfurter, "/20", (429, "", {}), "status"),
        (ask_frankfurter, "/20", (200, '{"rates": {}}', {}), "shape"),
        (ask_frankfurter, "/20", (200, "[]", {}), "shape"),
    ],
)
def test_so_is_that_of_rates(
    upstream: Upstream, ask: Any, path: str, answer: tuple[int, str, dict[str, str]], step: str
) -> None:
    upstream.answers[path] = answer
    with pytest.raises(Broken) as caught:
        ask(upstream.url, TODAY)
    assert caught.value.step == step


def test_a_server_that_does_not_speak_tls_breaks_there(upstream: Upstream) -> None:
    with pytest.raises(Broken) as caught:
        check_way(upstream.url.replace("http:", "https:"))
    assert caught.value.step == "tls"


def test_a_name_that_nobody_knows_breaks_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> socket.socket:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", unknown)
    with pytest.raises(Broken, match=r"dns: nowhere\.invalid is not known: Name or service not known"):
        check_way("https://nowhere.invalid")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_proxy_that_is_not_there_breaks_before_the_source() -> None:
    with pytest.raises(Broken) as caught:
        check_way("https://query2.finance.yahoo.com", f"http://127.0.0.1:{free_port()}")
    assert caught.value.step == "proxy"


@pytest.mark.parametrize("url", ["", "mirror", "ftp://x.example.com", "http://", "http://[::1", "http://h:99999"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Broken) as caught:
        check_way(url)
    assert caught.value.step == "address"
    with pytest.raises(Broken) as caught:
        check_way("https://query2.finance.yahoo.com", url or "x")
    assert caught.value.step == "proxy"


def test_one_broken_source_does_not_hide_the_others(upstream: Upstream) -> None:
    upstream.answers["/data"] = (500, "", {})
    found = probe_all(Addresses(upstream.url, upstream.url, upstream.url), today=TODAY)
    assert [(probe.source, probe.step) for probe in found] == [("Yahoo", ""), ("ECB", "status"), ("Frankfurter", "")]
    assert [bool(probe.advice) for probe in found] == [False, True, False]


def changed(config: LocalConfig, name: str, value: Any) -> LocalConfig:
    return replace(config, **{name: value})


def test_a_mirror_or_proxy_that_does_not_answer_is_refused_when_given(upstream: Upstream, tmp_path: Path) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    config = LocalConfig(root=tmp_path, source="live", ecb_url=upstream.url, proxy=upstream.url)
    refuse_dead_ends(config)
    for name in ("yahoo_url", "ecb_url", "frankfurter_url", "proxy"):
        with pytest.raises(Refusal, match=f"--{name.replace('_', '-')}: 127.0.0.1:.* cannot be reached"):
            refuse_dead_ends(changed(config, name, dead))
