"""``--output``: a file in place of the terminal."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.client.errors import OpsError, Refusal

Replace = Annotated[bool, typer.Option("--replace", help="Replace the file of --output where it is there already.")]


def checked(path: Path, endings: tuple[str, ...], *, replace: bool) -> Path:
    """``path``, if a file can be written there; nothing is asked or paid for before that is known.

    Raises:
        Refusal: it does not end with one of ``endings``, there is no such folder, or something is there already.
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


def with_output(command: Callable[..., None], as_json: str = ".json") -> Callable[..., None]:
    """``command`` with ``--output``, which takes what it would print on standard output: to .txt as it is shown, to a
    file that ends with ``as_json`` what ``--json`` gives.

    What it says on standard error stays there. A command that ends with a status of its own has its file, too: a list
    of problems is what was asked for.
    """
    signature = inspect.signature(command, eval_str=True)
    endings = (".txt", as_json)
    kind = Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help=f"Write to this file instead: .txt as it is shown, {as_json} for programs."
        ),
    ]

    @wraps(command)
    def printing(*given: Any, output: Path | None = None, replace: bool = False, **named: Any) -> None:
        if output is None:
            command(*given, **named)
            return
        checked(output, endings, replace=replace)
        if output.suffix.lower() == as_json:
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
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=typed)
        for name, typed, default in (("output", kind, None), ("replace", Replace, False))
    ]
    # Typer reads a command's options from its signature.
    setattr(printing, "__signature__", signature.replace(parameters=[*signature.parameters.values(), *added]))  # noqa: B010
    return printing
