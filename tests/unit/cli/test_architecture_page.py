"""docs/architecture.md: five sections, each with what fails in it, and links to every function."""

from __future__ import annotations

import re

from assets.diagrams.__main__ import PICTURES
from infra.facts import ROOT, function_names

PAGE = ROOT / "docs" / "architecture.md"
TEXT = PAGE.read_text("utf-8")


def test_each_of_the_five_sections_says_what_fails() -> None:
    sections = re.split(r"^## \d\. ", TEXT, flags=re.MULTILINE)[1:]
    names = [section.partition("\n")[0] for section in sections]
    assert names == ["Ingestion", "Raw", "Processing", "Analytics", "Monitoring"]
    assert all("| what fails | what happens |" in section for section in sections)


def test_it_links_to_every_function_and_picture() -> None:
    targets = set(re.findall(r"\]\(([^)#:]+)[)#]", TEXT))
    assert {f"../functions/{name}" for name in function_names()} <= targets
    assert {f"../assets/diagrams/{name}.png" for name in PICTURES if name != "workflow"} <= targets
