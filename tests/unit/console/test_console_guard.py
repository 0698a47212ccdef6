from __future__ import annotations

from collections.abc import Mapping

import pytest
from starlette.testclient import TestClient

from infra.console.app import STATIC
from infra.console.queues import Queues
from tests.unit.console.conftest import PORT, POST, TOKEN

READS = ("/", "/static/main.js", "/api/overview", "/api/executions", "/api/queue")
FOREIGN_HOSTS = ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:80", f"127.0.0.2:{PORT}", ""]
FOREIGN_POSTS: list[Mapping[str, str]] = [
    {},
    {"X-Marketlake-Token": TOKEN},
    {"Origin": f"http://127.0.0.1:{PORT}"},
    POST | {"X-Marketlake-Token": "another"},
    POST | {"X-Marketlake-Token": ""},
    POST | {"Origin": "https://evil.example"},
    POST | {"Origin": "null"},
    POST | {"Origin": f"http://127.0.0.1:{PORT + 1}"},
    POST | {"Sec-Fetch-Site": "cross-site"},
    POST | {"Sec-Fetch-Site": "same-site"},
    POST | {"Content-Type": "text/plain"},
    POST | {"Content-Type": "application/x-www-form-urlencoded"},
    POST | {"Host": "evil.example"},
]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_request_that_names_another_host_is_refused(page: TestClient, host: str) -> None:
    for path in READS:
        answer = page.get(path, headers={"Host": host})
        assert answer.status_code == 403
        assert TOKEN not in answer.text


def test_the_names_of_this_machine_are_let_in(page: TestClient) -> None:
    for host in (f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"[::1]:{PORT}", f"LOCALHOST:{PORT}"):
        answer = page.get("/", headers={"Host": host})
        assert answer.status_code == 200
        assert TOKEN in answer.text


def test_every_answer_keeps_the_page_to_itself(page: TestClient) -> None:
    for path in ("/", "/static/main.js", "/api/executions", "/api/executions/nowhere", "/nowhere"):
        headers = page.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("headers", FOREIGN_POSTS)
def test_a_post_that_is_not_the_pages_own_is_refused_and_does_nothing(
    page: TestClient, headers: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []

    def note(_: Queues, ids: object, **__: object) -> dict[str, object]:
        done.append(ids)
        return {}

    monkeypatch.setattr(Queues, "purge", note)
    monkeypatch.setattr(Queues, "redrive", note)
    for path in ("/api/queue/redrive", "/api/queue/purge"):
        answer = page.post(path, content=b'{"ids": ["one"]}', headers={"Content-Type": "application/json", **headers})
        assert answer.status_code == 403, answer.text
        assert done == []
        own = page.post(path, json={"ids": ["one"]}, headers=POST)
        assert (own.status_code, done.pop()) == (200, ["one"])


def test_other_methods_and_large_posts_are_refused(page: TestClient) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert page.request(method, "/api/queue/purge", headers=POST).status_code == 403
    assert page.post("/api/queue/purge", json={"ids": ["x" * 70_000]}, headers=POST).status_code == 403
    assert page.get("/api/queue/purge", headers=POST).status_code == 405


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd", "/static/nothing"]
)
def test_only_the_pages_files_are_served(page: TestClient, path: str) -> None:
    answer = page.get(path)
    assert answer.status_code == 404
    assert "import" not in answer.text


OURS = sorted(
    path for path in STATIC.rglob("*") if path.suffix in {".js", ".css", ".html"} and "vendor" not in path.parts
)


def test_our_files_make_no_markup_of_text_and_name_no_other_host() -> None:
    assert len(OURS) > 10
    for path in OURS:
        text = path.read_text("utf-8")
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "Function(",
            "DOMParser",
        ):
            assert word not in text
        assert "https://" not in text
        assert [line for line in text.splitlines() if "http://" in line and "www.w3.org/2000/svg" not in line] == []
