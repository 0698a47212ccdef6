"""The example rows of ``docs/queries.md``; ``python -m tests.e2e.queries_page`` writes the page again, in a minute."""

from __future__ import annotations

import tempfile
from pathlib import Path

from infra.client.saved_queries import saved_queries
from infra.pages.queries import PAGE, example_of, page
from tests.e2e.pipeline import new_pipeline
from tests.e2e.saved_lakes import Lake, load_year


def examples_from(lake: Lake) -> dict[str, str]:
    """The first rows that each saved query answers to its examples."""
    answers = {query.name: lake.ask(query, query.examples) for query in saved_queries()}
    return {name: example_of(answer.columns, answer.rows()) for name, answer in answers.items()}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        pipeline = new_pipeline(Path(folder))
        try:
            PAGE.write_text(page(examples_from(load_year(pipeline)[0])), "utf-8")
        finally:
            pipeline.down()


if __name__ == "__main__":
    main()
