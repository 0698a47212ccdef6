"""Others that do Transform's work: each reads the raw days of a year and writes typed Parquet, a partition a day.

None of them merges with what is there, writes the year, or leaves a manifest. ``python -m tests.bench.peers`` runs them
in a process of their own, with packages that nothing else needs (``requirements.in``).
"""

from __future__ import annotations

import importlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, Self

import boto3
import obstore
import polars as pl
from obstore.store import S3Store

from infra.facts import ROOT
from infra.local.config import ACCESS_KEY, SECRET_KEY
from tests.bench.stages import Spent
from tests.e2e.pipeline import Pipeline

PACKAGES = ROOT / "build" / "peers"
BUCKET = "bench-peers"
THREADS = 8
RAW = "RAW_BUCKET"


class Peers:
    """The process of the peers, and their bucket, empty before each run."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "PYTHONPATH": os.pathsep.join((str(PACKAGES), str(ROOT), str(ROOT / "functions"))),
            "AWS_ENDPOINT_URL": pipeline.config.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": pipeline.config.region,
            RAW: pipeline.name("raw_bucket"),
        }
        place = {"LocationConstraint": pipeline.config.region}
        pipeline.aws("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        command = [sys.executable, "-m", "tests.bench.peers"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, name: str, dataset: str) -> Spent:
        """What the peer took for the raw days of ``dataset`` that are there; it must have written each."""
        s3 = self._pipeline.aws("s3")
        keys = [{"Key": item["Key"]} for item in self._objects()]
        if keys:
            s3.delete_objects(Bucket=BUCKET, Delete={"Objects": keys})
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps([name, dataset]), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        days = len({item["Key"].partition("dt=")[2][:10] for item in self._objects()})
        assert days == answer.pop("days") > 0, (name, dataset, days)
        return Spent(**answer)

    def _objects(self) -> list[dict[str, Any]]:
        pages = self._pipeline.aws("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [item for page in pages for item in page.get("Contents", [])]


def _store(bucket: str) -> S3Store:
    return S3Store(
        bucket,
        endpoint=os.environ["AWS_ENDPOINT_URL"],
        client_options={"allow_http": True},
        access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        region=os.environ["AWS_DEFAULT_REGION"],
    )


def with_polars(dataset: str) -> int:
    """Read by obstore, write by Polars' own partitioned write, which is object_store too."""
    raw = _store(os.environ[RAW])
    keys = [item["path"] for page in obstore.list(raw, f"raw/{dataset}/") for item in page if _is_day(item["path"])]
    with ThreadPoolExecutor(THREADS) as pool:
        bodies = list(pool.map(lambda key: bytes(obstore.get(raw, key).bytes()), keys))
    frame = _polars_rates(bodies) if dataset == "fx_rates" else _polars_prices(keys, bodies)
    frame.write_parquet(
        f"s3://{BUCKET}/{dataset}/",
        partition_by="dt",
        storage_options={
            "endpoint_url": os.environ["AWS_ENDPOINT_URL"],
            "aws_allow_http": "true",
            "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
            "aws_region": os.environ["AWS_DEFAULT_REGION"],
        },
    )
    return len(keys)


def _polars_prices(keys: Sequence[str], bodies: Sequence[bytes]) -> pl.DataFrame:
    schema = pl.read_csv(io.BytesIO(bodies[0]), infer_schema_length=None).schema | {"dividend_currency": pl.String()}
    frames = [pl.read_csv(io.BytesIO(body), schema=schema) for body in bodies]
    days = [frame.with_columns(dt=pl.lit(_day(key))) for key, frame in zip(keys, frames, strict=True)]
    return pl.concat(days)


def _polars_rates(bodies: Sequence[bytes]) -> pl.DataFrame:
    return pl.DataFrame(_rates(bodies), schema=["dt", "base_currency", "target_currency", "rate"], orient="row")


def _rates(bodies: Sequence[bytes]) -> list[tuple[str, str, str, float]]:
    read = [json.loads(body) for body in bodies]
    return [(day["date"], day["base"], code, float(rate)) for day in read for code, rate in day["rates"].items()]


def with_pandas(dataset: str) -> int:
    """A day at a time, by boto3."""
    pandas, s3 = importlib.import_module("pandas"), _s3()
    keys = _listed(s3, dataset)
    for key in keys:
        body = s3.get_object(Bucket=os.environ[RAW], Key=key)["Body"].read()
        text = io.BytesIO()
        _pandas_frame(pandas, dataset, body).to_parquet(text, index=False)
        s3.put_object(Bucket=BUCKET, Key=f"{dataset}/dt={_day(key)}/part-0.parquet", Body=text.getvalue())
    return len(keys)


def with_awswrangler(dataset: str) -> int:
    """The days read as with pandas, eight at once, and written by one call."""
    pandas, wrangler, s3 = importlib.import_module("pandas"), importlib.import_module("awswrangler"), _s3()
    keys = _listed(s3, dataset)
    with ThreadPoolExecutor(THREADS) as pool:
        bodies = list(pool.map(lambda key: s3.get_object(Bucket=os.environ[RAW], Key=key)["Body"].read(), keys))
    days = [_pandas_frame(pandas, dataset, body).assign(dt=_day(key)) for key, body in zip(keys, bodies, strict=True)]
    wrangler.s3.to_parquet(
        pandas.concat(days),
        path=f"s3://{BUCKET}/{dataset}/",
        dataset=True,
        mode="overwrite_partitions",
        partition_cols=["dt"],
    )
    return len(keys)


def _pandas_frame(pandas: Any, dataset: str, body: bytes) -> Any:
    if dataset == "fx_rates":
        columns = ["dt", "base_currency", "target_currency", "rate"]
        return pandas.DataFrame(_rates([body]), columns=columns).drop(columns="dt")
    return pandas.read_csv(io.BytesIO(body), dtype={"dividend_currency": "string"})


def _s3() -> Any:
    return boto3.client("s3")


def _listed(s3: Any, dataset: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=os.environ[RAW], Prefix=f"raw/{dataset}/")
    return [item["Key"] for page in pages for item in page["Contents"] if _is_day(item["Key"])]


def _is_day(key: str) -> bool:
    return key.split("/")[2].startswith("dt=")


def _day(key: str) -> str:
    return key.partition("dt=")[2][:10]


PEERS: dict[str, Callable[[str], int]] = {
    "Polars write_parquet(partition_by), obstore": with_polars,
    "pandas, a day at a time": with_pandas,
    "awswrangler to_parquet(overwrite_partitions)": with_awswrangler,
}


def main() -> None:
    """Run what each line of the standard input names, and answer what it took."""
    for line in sys.stdin:
        name, dataset = json.loads(line)
        cpu, began = time.process_time(), time.perf_counter()
        days = PEERS[name](dataset)
        spent = Spent(time.perf_counter() - began, time.process_time() - cpu)
        print(json.dumps({"days": days, **asdict(spent)}), flush=True)


if __name__ == "__main__":
    main()
