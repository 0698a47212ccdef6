"""What Athena answers: each saved query, and partition projection over windows with and without days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from botocore.exceptions import ClientError

from infra.acceptance.runs import last_month
from infra.acceptance.stage import Broken, NotTried, Stage
from infra.client.athena import run_query
from infra.client.errors import QueryFailed
from infra.client.lake import take_inventory
from infra.client.saved_queries import SavedQuery, filled, literals_of, saved_queries
from marketlake.contract import dataset_names


def named_queries(stage: Stage) -> str:
    """Each saved query: it is in the workgroup, as it is here, and Athena answers it."""
    stored = {query["Name"]: query["QueryString"] for query in _named(stage)}
    wrong: list[str] = []
    for query in saved_queries():
        if stored and query.sql not in stored.get(query.name, ""):
            there = "differs in the workgroup" if query.name in stored else "is not in the workgroup"
            wrong.append(f"{query.name} {there}")
            continue
        try:
            run_query(stage.target, filled(query, query.examples))
        except QueryFailed as error:
            wrong.append(f"{query.name}: {error}")
    if wrong:
        raise Broken("; ".join(wrong), "deploy the queries again: make deploy; then run one: marketlake query NAME")
    answered = f"{len(saved_queries())} saved queries answered"
    return answered if stored else f"{answered}; `marketlake up` makes no named queries"


def _named(stage: Stage) -> Iterator[dict[str, Any]]:
    athena, group = stage.target.athena, stage.target.names["workgroup"]
    pages = athena.get_paginator("list_named_queries").paginate(WorkGroup=group)
    ids = [found for page in pages for found in page["NamedQueryIds"]]
    for start in range(0, len(ids), 50):  # the most that a batch may ask for
        yield from athena.batch_get_named_query(NamedQueryIds=ids[start : start + 50])["NamedQueries"]  # type: ignore[misc]


def prepared_statements(stage: Stage) -> str:
    """Each saved query with parameters, by EXECUTE."""
    if stage.target.is_local:
        raise NotTried("the emulator's Athena knows no EXECUTE", "run the acceptance in an account")
    queries = [query for query in saved_queries() if query.parameters]
    wrong = [text for query in queries if (text := _executed(stage, query))]
    if wrong:
        raise Broken("; ".join(wrong), "make the prepared statements again: make deploy")
    return f"{len(queries)} prepared statements answered"


def _executed(stage: Stage, query: SavedQuery) -> str:
    """Why EXECUTE does not answer the query; empty where it does."""
    try:
        literals = ", ".join(literals_of(query, query.examples))
        run_query(stage.target, f"EXECUTE {query.name.replace('-', '_')} USING {literals}")
    except (QueryFailed, ClientError) as error:
        return f"{query.name}: {error}"
    return ""


def partition_projection(stage: Stage) -> str:
    """Every dataset: no rows for days that its calendar does not have, and every day of last month that is stored."""
    first, last = last_month(stage.day)
    weekend = first + timedelta(days=(5 - first.weekday()) % 7)  # from the first Saturday on
    wrong: list[str] = []
    days = 0
    for dataset in dataset_names():
        inventory = take_inventory(stage.target, dataset, first, last)
        stored = {f"{day}" for day in inventory.by_day}
        found = _days(stage, dataset, first, last)
        empty = _days(stage, dataset, weekend, weekend + timedelta(days=1))
        days += len(found)
        if found != stored:
            wrong.append(f"{dataset}: Athena finds {len(found)} days of {first} to {last}, S3 holds {len(stored)}")
        if empty:
            wrong.append(f"{dataset}: Athena finds rows on the weekend of {weekend}")
    if wrong:
        raise Broken("; ".join(wrong), "the table's projection.* properties are not as deployed: make deploy")
    return f"{days} days of {first} to {last} as S3 holds them, none on the weekend of {weekend}"


def _days(stage: Stage, dataset: str, first: date, last: date) -> set[str]:
    sql = f"SELECT DISTINCT dt FROM {dataset} WHERE dt BETWEEN '{first}' AND '{last}'"  # noqa: S608 - our own
    return {row["dt"] for row in stage.rows(sql)}
