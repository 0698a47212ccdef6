from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.dashboard.page import STATIC, embedded, page
from tests.unit.dashboard.made import close, made

HOSTILE = "</script><!--<script><img src=x onerror=alert(1)>\u2028'\"&{{data}}"


class Parsed(HTMLParser):
    """The page as a browser takes it apart: elements, and the text in scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        if self._open in ("script", "style"):
            self.texts.append((self._open, data))

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open if self._open != tag else ""

    @property
    def policy(self) -> str:
        metas = [found for tag, found in self.elements if tag == "meta"]
        return next(str(m["content"]) for m in metas if m.get("http-equiv") == "Content-Security-Policy")


def hostile() -> dict[str, Any]:
    return made(
        errors={"returns": HOSTILE},
        closes_and_averages=[close(HOSTILE, "2026-01-05", 1.0)],
        companies=[{"ticker": HOSTILE, "company": HOSTILE, "sector": HOSTILE}],
        quarantined_rows=[{"dataset": HOSTILE, "dt": "2026-01-05", "symbol": HOSTILE, "reason": HOSTILE, "times": 1}],
    )


def test_hostile_text_stays_data() -> None:
    calm, attacked = Parsed(page(made())), Parsed(page(hostile()))
    assert attacked.elements == calm.elements
    data, *_ = (text for tag, text in attacked.texts if tag == "script")
    assert json.loads(data)["tickers"][0]["company"] == HOSTILE


@given(st.text())
def test_any_text_comes_back_as_it_was_and_opens_no_element(text: str) -> None:
    written = embedded({"text": text})
    assert "<" not in written
    assert written.isascii()
    assert json.loads(written) == {"text": text}


def test_the_policy_allows_the_page_s_own_scripts_and_styles_and_nothing_else() -> None:
    parsed = Parsed(page(made()))
    _, *scripts = [text for tag, text in parsed.texts if tag == "script"]
    (style,) = [text for tag, text in parsed.texts if tag == "style"]

    def hashed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert parsed.policy.split("; ") == [
        "default-src 'none'",
        f"script-src {' '.join(hashed(script) for script in scripts)}",
        f"style-src {hashed(style)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_the_page_names_no_address_to_load_from() -> None:
    parsed = Parsed(page(made()))
    addresses = [value for _, found in parsed.elements for key, value in found.items() if key in ("src", "href")]
    assert [address for address in addresses if not str(address).startswith(("#", "data:"))] == []
    style = next(text for tag, text in parsed.texts if tag == "style")
    assert not re.search(r"@import|url\(", style)


def test_the_charting_library_is_the_one_that_is_written_down() -> None:
    vendor = STATIC / "vendor"
    known = json.loads((vendor / "uplot.json").read_text("utf-8"))
    found = {name: hashlib.sha256((vendor / name).read_bytes()).hexdigest() for name in known["files"]}
    assert found == {name: file["sha256"] for name, file in known["files"].items()}
    text = page(made())
    assert f"uPlot {known['version']}, {known['licence']} licence" in text
    assert "Copyright (c) 2022 Leon Sorokin" in text


def test_nothing_of_the_page_makes_markup_of_text() -> None:
    scripts = {path.name: path.read_text("utf-8") for path in STATIC.glob("*.js")}
    assert scripts
    forbidden = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function")
    assert [name for name, text in scripts.items() if forbidden.search(text)] == []
