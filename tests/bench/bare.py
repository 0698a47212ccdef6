"""The requests of an execution with nothing around them: the limit against which its time is held."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import httpx
import obstore
from curl_cffi import requests as curl
from obstore.store import S3Store

from athena_check import athena
from infra.local.config import ACCESS_KEY, SECRET_KEY
from tests.bench.stages import Spent, written
from tests.bench.usage import Call
from tests.e2e.pipeline import Pipeline

THREADS = 8
KINDS = {"s3:ListBucket": "list", "s3:GetObject": "get", "s3:PutObject": "put"}


@dataclass
class Asked:
    """What a function asked of others than S3: charts by curl, rates by httpx, queries of Athena."""

    charts: list[tuple[Any, ...]] = field(default_factory=list)
    rates: list[str] = field(default_factory=list)
    queries: list[tuple[Any, ...]] = field(default_factory=list)


@contextmanager
def recorded() -> Iterator[Asked]:
    """What the functions called meanwhile ask for."""
    asked = Asked()
    request, send, query = curl.Session.request, httpx.Client.send, athena.run_query

    def chart(session: Any, method: Any, url: str, *arguments: Any, **named: Any) -> Any:
        asked.charts.append((method, url, named.get("params")))
        return request(session, method, url, *arguments, **named)

    def rate(client: Any, asking: httpx.Request, **named: Any) -> Any:
        asked.rates.append(str(asking.url))
        return send(client, asking, **named)

    def question(*arguments: Any) -> Any:
        asked.queries.append(arguments)
        return query(*arguments)

    with ExitStack() as stack:
        stack.enter_context(patch.object(curl.Session, "request", chart))
        stack.enter_context(patch.object(httpx.Client, "send", rate))
        stack.enter_context(patch("athena_check.handler.run_query", question))
        yield asked


class Bare:
    """The requests of one call of a function, ready to be made again: S3's by obstore, the others by their clients."""

    def __init__(self, pipeline: Pipeline, calls: Sequence[Call], asked: Asked) -> None:
        s3 = pipeline.aws("s3")
        self._asked = asked
        self._calls = [(KINDS[call.action], *self._place(call)) for call in calls if call.action in KINDS]
        self._bodies = {
            (bucket, key): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for bucket, key in written(calls)
        }
        self._stores = {bucket: store(pipeline, bucket) for _, bucket, _ in self._calls}

    @staticmethod
    def _place(call: Call) -> tuple[str, str]:
        bucket, _, key = call.resource.rpartition(":")[2].partition("/")
        return bucket, key or call.keys.get("s3:prefix", "")

    def run(self) -> Spent:
        """Sources one after the other, as on loopback; then listings, reads, queries and writes."""
        cpu, began = time.process_time(), time.perf_counter()
        with curl.Session(impersonate="chrome") as session:
            for method, url, parameters in self._asked.charts:
                session.request(method, url, params=parameters)
        for url in self._asked.rates:
            httpx.get(url, trust_env=False)
        with ThreadPoolExecutor(THREADS) as pool:
            for kind, make in (("list", self._list), ("get", self._get)):
                self._side_by_side(pool, kind, make)
            for query in self._asked.queries:
                athena.run_query(*query)
            self._side_by_side(pool, "put", self._put)
        return Spent(time.perf_counter() - began, time.process_time() - cpu)

    def _side_by_side(self, pool: ThreadPoolExecutor, kind: str, make: Callable[[str, str], None]) -> None:
        places = [(bucket, key) for of_kind, bucket, key in self._calls if of_kind == kind]
        list(pool.map(make, *zip(*places, strict=True))) if places else None

    def _list(self, bucket: str, prefix: str) -> None:
        next(iter(obstore.list(self._stores[bucket], prefix)), None)  # a page: each is a call of its own

    def _get(self, bucket: str, key: str) -> None:
        with suppress(FileNotFoundError):  # what the function looked for in vain
            obstore.get(self._stores[bucket], key).bytes()

    def _put(self, bucket: str, key: str) -> None:
        obstore.put(self._stores[bucket], key, self._bodies[bucket, key], use_multipart=False)


def store(pipeline: Pipeline, bucket: str) -> S3Store:
    """The bucket, by the account's own credentials."""
    return S3Store(
        bucket,
        endpoint=pipeline.config.endpoint_url,
        client_options={"allow_http": True},
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        region=pipeline.config.region,
    )
