"""Writes ``assets/sample_data`` again, from a lake of one month: ``python -m tests.sample_data``, in a minute."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from infra.facts import ROOT
from marketlake.contract import dataset_names, load_contract
from marketlake.layout import clean_key, marker_key, raw_key, report_key, year_key
from tests.e2e.pipeline import new_pipeline

FOLDER = ROOT / "assets" / "sample_data"
MONTH = {"start": "2022-09-01", "end": "2022-09-30"}
WEEK = {"start": "2022-09-12", "end": "2022-09-16"}
MARKED = date(2022, 9, 14)


def keys_of_week(dataset: str) -> dict[str, list[str]]:
    """Bucket to the keys that are kept of ``dataset``, day by day."""
    contract = load_contract(dataset)
    days = contract.days(date.fromisoformat(WEEK["start"]), date.fromisoformat(WEEK["end"]))
    return {
        "raw_bucket": [raw_key(contract, day) for day in days],
        "clean_bucket": [clean_key(dataset, day) for day in days],
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        pipeline = new_pipeline(Path(folder))
        try:
            outcome = pipeline.run(MONTH)
            assert outcome.status == "SUCCEEDED", outcome
            kept = {"raw_bucket": [], "clean_bucket": [report_key(outcome.name)]}
            for dataset in dataset_names():
                for bucket, keys in keys_of_week(dataset).items():
                    kept[bucket] += keys
                kept["clean_bucket"] += [year_key(dataset, MARKED.year), marker_key(dataset, MARKED)]
            for bucket, keys in kept.items():
                for key in keys:
                    name = "reports/run.json" if key == report_key(outcome.name) else key
                    path = FOLDER / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(pipeline.body(bucket, key))
        finally:
            pipeline.down()


if __name__ == "__main__":
    main()
