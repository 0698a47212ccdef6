"""The tables of ``docs/queries.md``: the saved queries, and the first rows that each answered."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from infra.client.query_parameters import ACCEPTED
from infra.client.saved_queries import FOLDER, SavedQuery, saved_queries
from infra.pages.markdown import markdown_table

ANSWERS = FOLDER / "answers.json"
SHOWN_ROWS = 3


class Answer(msgspec.Struct, frozen=True):
    """What a query answered to its examples: the first rows as they are shown, and how many there were."""

    columns: list[str]
    rows: list[list[str]]
    count: int


def answer_of(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Answer:
    """The answer to keep of ``rows``: the first ones, with numbers cut to six digits."""
    shown = [[_cell(value) for value in row] for row in rows[:SHOWN_ROWS]]
    return Answer(list(columns), shown, len(rows))


def read_answers() -> dict[str, Answer]:
    """The answers on file, by the query's name."""
    return msgspec.json.decode(ANSWERS.read_bytes(), type=dict[str, Answer])


def write_answers(answers: dict[str, Answer]) -> None:
    """Put ``answers`` on file, a line each."""
    lines = [f"{msgspec.json.encode(name).decode()}: {msgspec.json.encode(answers[name]).decode()}" for name in answers]
    ANSWERS.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def query_list() -> str:
    """A table of all saved queries, each with a link to its section."""
    rows = [[f"[{query.name}](#{query.name})", query.description] for query in saved_queries()]
    return markdown_table(["query", "what it answers"], rows)


def query_sections() -> str:
    """A section for each saved query: its parameters, a line to run, and the first rows of the answer."""
    answers = read_answers()
    return "\n".join(_section(query, answers[query.name]) for query in saved_queries())


def _section(query: SavedQuery, answer: Answer) -> str:
    parameters = "".join(f"- `{parameter.name}`: {ACCEPTED[parameter.kind]}\n" for parameter in query.parameters)
    table = markdown_table(answer.columns, answer.rows)
    counted = f"{answer.count} row{'' if answer.count == 1 else 's'}"
    return (
        f"## {query.name}\n\n{query.description}.\n\n{parameters}\n```\n{query.command}\n```\n\n{table}\n\n{counted}\n"
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value).replace("|", "\\|")
