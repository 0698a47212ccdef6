"""docs/data-dictionary.md names every table and column that Glue has, and every rule of the contracts."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from infra.facts import ROOT
from infra.package.tables import table_inputs
from infra.pages.dictionary import column_rules, day_rules
from marketlake.contract import Contract, dataset_names, load_contract

PAGE = ROOT / "docs" / "data-dictionary.md"
VALUES = {"clean_bucket": "clean", "raw_bucket": "raw", "artifacts_bucket": "artifacts", "database": "lake"}


def sections() -> dict[str, list[str]]:
    """First cells of the tables' rows in each section, by its heading."""
    found: dict[str, list[str]] = defaultdict(list)
    heading = ""
    for line in PAGE.read_text("utf-8").splitlines():
        heading = line.removeprefix("## ") if line.startswith("## ") else heading
        found[heading] += re.findall(r"^\| `(\w+)` \|", line)
    return found


def test_every_table_of_the_catalog_is_named_with_all_its_columns() -> None:
    text, listed = PAGE.read_text("utf-8"), sections()
    for table in table_inputs(VALUES):
        name = table["Name"]
        assert f"`{name}`" in text, name
        if name in listed:
            assert listed[name] == [column["Name"] for column in table["StorageDescriptor"]["Columns"]]
    assert set(dataset_names()) <= set(listed)


@pytest.mark.parametrize("name", dataset_names())
def test_no_rule_is_left_out(name: str) -> None:
    contract: Contract = load_contract(name)
    rules = contract.rules
    texts = {column.name: column_rules(contract, column) for column in contract.columns}
    assert all("above 0" in texts[column] for column in rules.positive)
    assert all("0 or more" in texts[column] for column in rules.non_negative)
    if rules.range:
        assert f"at least `{rules.range.close}`" in texts[rules.range.high]
        assert f"at most `{rules.range.close}`" in texts[rules.range.low]
        assert f"`{rules.range.low}` to `{rules.range.high}`" in texts[rules.range.open]
    if rules.dividend:
        assert f"{rules.dividend.max:g} times `{rules.dividend.of}`" in texts[rules.dividend.column]
    assert f"{rules.move.max_ratio:g}-fold" in texts[rules.move.column]
    whole = " ".join(day_rules(contract))
    assert f"{rules.coverage:.0%}" in whole
    assert f"{rules.spike.min_ratio:g}-fold" in whole
    assert all(f"A {adjustment.event} " in whole for adjustment in contract.adjustments)
