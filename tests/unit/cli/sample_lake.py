"""The lake of ``assets/sample_data`` as an emulator's folder: what readers read, without an emulator."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from infra.facts import ROOT
from marketlake.reader.shipped import ACCOUNT_ID, names

BUCKETS = {"by_year": "clean_bucket", "clean": "clean_bucket", "markers": "clean_bucket", "raw": "raw_bucket"}


def sample_lake(root: Path) -> Path:
    """``root``, with September 2022 as in the sample data."""
    (root / "config.json").write_text(json.dumps({"prefix": "marketlake", "seed": 7}))
    named = names("marketlake", ACCOUNT_ID, "eu-west-2")
    for folder, bucket in BUCKETS.items():
        shutil.copytree(
            ROOT / "assets" / "sample_data" / folder,
            root / "s3" / ACCOUNT_ID / named[bucket] / folder,
            dirs_exist_ok=True,
        )
    return root
