"""assets/sample_data is what the pipeline makes today."""

from __future__ import annotations

from marketlake.contract import dataset_names
from tests.e2e.pipeline import Pipeline
from tests.sample_data import FOLDER, WEEK, keys_of_week


def test_the_sample_week_is_to_the_byte_what_the_pipeline_stores(pipeline: Pipeline) -> None:
    outcome = pipeline.run(WEEK)
    assert outcome.status == "SUCCEEDED", outcome
    changed = [
        key
        for dataset in dataset_names()
        for bucket, keys in keys_of_week(dataset).items()
        for key in keys
        if pipeline.body(bucket, key) != (FOLDER / key).read_bytes()
    ]
    assert changed == [], "write it again: make sample-data"
