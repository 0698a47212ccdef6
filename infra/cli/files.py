"""``--output``: a file in place of the terminal."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.client.errors import OpsError, Refusal

if TYPE_CHECKING:
    import polars as pl

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write to this file instead: .txt as it is shown, .json as JSON.")
]
Replace = Annotated[bool, typer.Option("--replace", help="Replace the file of --output where it is there already.")]

ENDINGS = (".txt", ".json")

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet takes a cell of a CSV file for a formula; after an apostrophe it takes it for text.
https://owasp.org/www-community/attacks/CSV_Injection"""


def checked(path: Path, endings: tuple[str, ...], *, replace: bool) -> Path:
    """``path``, if a file can be written there; nothing is asked or paid for before that is known.

    Raises:
        Refusal: its ending is none of ``endings``, there is no such folder, or something is there already.
    """
    if path.suffix.lower() not in endings:
        raise Refusal(f"--output {path}: accepted are files ending with {', '.join(endings)}")
    if not path.parent.is_dir():
        raise Refusal(f"--output {path}: there is no folder {path.parent}", "make it, or name another file")
    if path.is_dir() or (path.exists() and not replace):
        raise Refusal(f"--output {path} is there already", "name another file, or add --replace")
    return path


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A file beside ``path`` to write to. It becomes ``path`` at the end, and is removed where there is an error.

    Raises:
        OpsError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise OpsError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """``frame`` as CSV in UTF-8; text that a spreadsheet would take for a formula gets an apostrophe before it."""
    import polars as pl

    text = pl.col(pl.String)
    doubtful = text.str.slice(0, 1).is_in(FORMULA_STARTS)
    frame.with_columns(pl.when(doubtful).then(pl.lit("'") + text).otherwise(text).name.keep()).write_csv(path)


def with_output(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` with ``--output``, which takes what it would print on standard output.

    What it says on standard error stays there. A command that ends with a status of its own has its file, too: a list
    of problems is what was asked for.
    """
    signature = inspect.signature(command, eval_str=True)
    takes_json = "as_json" in signature.parameters

    @wraps(command)
    def printing(*given: Any, output: Path | None = None, replace: bool = False, **named: Any) -> None:
        if output is None:
            command(*given, **named)
            return
        checked(output, ENDINGS if takes_json else ENDINGS[:1], replace=replace)
        if output.suffix.lower() == ".json":
            named["as_json"] = True
        ended: typer.Exit | None = None
        with written(output) as part, part.open("w", encoding="utf-8") as file, redirect_stdout(file):
            try:
                command(*given, **named)
            except typer.Exit as end:
                ended = end
        if ended:
            raise ended

    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, kind, default in (("output", Output, None), ("replace", Replace, False))
    ]
    # Typer reads a command's options from its signature.
    setattr(printing, "__signature__", signature.replace(parameters=[*signature.parameters.values(), *added]))  # noqa: B010
    return printing
