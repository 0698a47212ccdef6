"""The one file: template, styles, scripts and data, under a policy that lets nothing else in or out."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

STATIC = Path(__file__).parent / "static"
SHARED = Path(__file__).parents[1] / "web"

STYLES = (SHARED / "base.css", STATIC / "vendor" / "uplot-1.6.32.css", STATIC / "dashboard.css")
LIBRARY = STATIC / "vendor" / "uplot-1.6.32.js"
LICENCE = STATIC / "vendor" / "uplot-LICENSE.txt"
MODULES = (
    SHARED / "dom.js",
    *(STATIC / f"{name}.js" for name in ("parts", "chart", "prices", "market", "quality", "main")),
)
"""In the order in which they need each other: joined, they are one script."""

IMPORTS = re.compile(r"^import .*\n|^export (?=function|const|class)", re.MULTILINE)


def page(document: dict[str, Any]) -> str:
    """The HTML file that shows ``document``."""
    style = "\n".join(path.read_text("utf-8") for path in STYLES)
    library = f"/*!\n{LICENCE.read_text('utf-8')}\n*/\n{LIBRARY.read_text('utf-8')}"
    joined = "\n".join(IMPORTS.sub("", path.read_text("utf-8")) for path in MODULES)
    script = f'"use strict";\n(() => {{\n{joined}}})();\n'
    parts = {
        "policy": html.escape(policy([library, script], style)),
        "title": html.escape(f"marketlake, {document['window']['start']} to {document['window']['end']}"),
        "style": style,
        "library": library,
        "script": script,
        "data": embedded(document),
    }
    template = (STATIC / "index.html").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def embedded(document: dict[str, Any]) -> str:
    """``document`` as JSON that cannot end the element it lies in, nor start a comment there.

    https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements
    """
    return json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def policy(scripts: list[str], style: str) -> str:
    """A Content Security Policy that runs these scripts and this style, and lets the page ask no one for anything."""
    allowed = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
