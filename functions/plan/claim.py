"""Claims of scheduled starts: EventBridge Scheduler delivers at least once, and a start that comes twice runs once.

Its execution name cannot do that: a name takes no colon, and Scheduler has no other word that is the same both times.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marketlake.layout import claim_key
from marketlake.manifest import JSON
from marketlake.storage import Bucket, PreconditionFailed


def claim_start(bucket: Bucket, document: Mapping[str, Any], at: datetime, execution: str) -> str:
    """Name of the execution that runs the start scheduled for ``at`` (UTC): ``execution``, unless another came first.

    A start is the same if its input is, so two schedules for different datasets are two starts.
    """
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:12]
    key = claim_key(at, digest)
    try:
        bucket.put(key, json.dumps({"execution": execution}).encode(), JSON, if_absent=True)
    except PreconditionFailed:
        # Ours, too, if this is another attempt of the same execution.
        return str(json.loads(bucket.get(key).body)["execution"])
    return execution
