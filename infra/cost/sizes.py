"""Sizes of the lake's objects, from the buckets' listings."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

from infra.client.target import Target
from infra.cost.measure import Sizes
from marketlake.contract import dataset_names
from marketlake.layout import clean_prefix, marker_prefix, year_prefix

MOST = 5000
"""Objects looked at of each kind: five requests."""


def take_sizes(target: Target) -> Sizes:
    """Mean sizes of what lies in the lake now; nothing for a dataset that has no objects yet."""
    prefixes: dict[str, Callable[[str], str]] = {
        "raw": lambda name: f"raw/{name}/dt=",
        "clean": clean_prefix,
        "marker": marker_prefix,
        "year": year_prefix,
    }
    found: dict[str, dict[str, float]] = {kind: {} for kind in prefixes}
    for kind, prefix in prefixes.items():
        bucket = target.names["raw_bucket" if kind == "raw" else "clean_bucket"]
        for dataset in dataset_names():
            sizes = _sizes(target, bucket, prefix(dataset))
            if sizes:
                found[kind][dataset] = round(fmean(sizes))
    return Sizes(**found)


def _sizes(target: Target, bucket: str, prefix: str) -> list[int]:
    pages = target.s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, PaginationConfig={"MaxItems": MOST}
    )
    return [item["Size"] for page in pages for item in page.get("Contents", [])]
