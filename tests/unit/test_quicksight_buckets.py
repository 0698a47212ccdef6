"""docs/operations.md names the buckets that QuickSight must be given: those of the tables that its data sets read, and
that of Athena's answers.
"""

from __future__ import annotations

import re

from infra import facts
from infra.package.tables import table_inputs, views

VALUES = facts.template_values("PREFIX", "123456789012", "eu-west-2")
ROW = re.compile(r"^ +\| `PREFIX-(\w+)-…` \| .*? \| (yes)? ?\|$", re.MULTILINE)


def test_the_guide_names_each_bucket_that_a_data_set_reads() -> None:
    text = (facts.ROOT / "infra" / "terraform" / "quicksight.tf").read_text("utf-8")
    read = set(re.findall(r"local\.names\.database}\.(\w+)", text))
    assert "ftse100_prices_adjusted" in read
    tables = {table["Name"]: table["StorageDescriptor"]["Location"] for table in table_inputs(VALUES)}
    read |= {name for view in views() if view.name in read for name in tables if re.search(rf"\b{name}\b", view.sql)}
    buckets = {location.split("-")[1] for name in read if (location := tables[name])}
    guide = dict(ROW.findall((facts.ROOT / "docs" / "operations.md").read_text("utf-8")))
    assert guide == dict.fromkeys(buckets, "") | {"results": "yes"}
