"""docs/adding-a-dataset.md shows the contract as it is, and what it says followed by itself did."""

from __future__ import annotations

from infra.facts import FUNCTIONS, ROOT
from infra.package.tables import table_inputs
from marketlake.contract import CONTRACTS

PAGE = (ROOT / "docs" / "adding-a-dataset.md").read_text("utf-8")
STAGES = ("plan", "fetch", "validate", "transform", "athena_check", "report")


def test_the_contract_shown_is_the_file() -> None:
    assert f"```json\n{(CONTRACTS / 'ftse100_index.json').read_text('utf-8')}```" in PAGE


def test_no_stage_knows_a_dataset_by_its_name() -> None:
    names = [path.stem for path in CONTRACTS.glob("*.json")]
    code = {path: path.read_text("utf-8") for stage in STAGES for path in (FUNCTIONS / stage).rglob("*.py")}
    assert code
    assert [f"{path}" for path, text in code.items() if any(name in text for name in names)] == []


def test_the_tables_named_are_made() -> None:
    values = {"clean_bucket": "clean", "raw_bucket": "raw", "artifacts_bucket": "artifacts", "database": "lake"}
    made = {table["Name"] for table in table_inputs(values)}
    assert {"ftse100_index", "ftse100_index_by_year", "quarantine_ftse100_index"} <= made
