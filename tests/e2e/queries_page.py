"""The example rows of ``docs/queries.md``; ``python -m tests.e2e.queries_page`` writes them again, in a minute."""

from __future__ import annotations

import tempfile
from pathlib import Path

from infra.client.saved_queries import saved_queries
from infra.pages.queries import Answer, answer_of, write_answers
from tests.e2e.pipeline import new_pipeline
from tests.e2e.saved_lakes import Lake, load_year


def answers_from(lake: Lake) -> dict[str, Answer]:
    """The first rows that each saved query answers to its examples."""
    answers = {query.name: lake.ask(query, query.examples) for query in saved_queries()}
    return {name: answer_of(answer.columns, answer.rows()) for name, answer in answers.items()}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        pipeline = new_pipeline(Path(folder))
        try:
            write_answers(answers_from(load_year(pipeline)[0]))
        finally:
            pipeline.down()
    print("answers written; now: make docs")


if __name__ == "__main__":
    main()
