"""The pipeline as one tree of the sources deploys it, so that two revisions can be measured in turn.

The emulator itself is this tree's for both, as are the installed packages: only what is deployed differs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.facts import ROOT
from infra.local.config import LocalConfig
from infra.local.deploy import Deployment, values_of
from tests.e2e.pipeline import Pipeline, free_port_pair


@dataclass(frozen=True)
class Tree:
    """The sources below ``path``; ``name`` is for the tables."""

    name: str
    path: Path

    @property
    def environment(self) -> dict[str, str]:
        """In which Python imports from this tree first."""
        folders = (str(self.path), str(self.path / "functions"))
        # The emulator ends no function that waits for work: its CPU time would be lost with it.
        return {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "LAMBDA_WARM_TTL_SECONDS": "86400"}


NOW = Tree("now", ROOT)


@contextmanager
def checked_out(revision: str) -> Iterator[Tree]:
    """The tree of a git ``revision``, for a while."""
    git = ("git", "-C", str(ROOT), "worktree")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tree"
        subprocess.run([*git, "add", "--quiet", "--detach", str(path), revision], check=True)
        try:
            yield Tree(revision, path)
        finally:
            subprocess.run([*git, "remove", "--force", str(path)], check=True)


class TreePipeline(Pipeline):
    """A pipeline that ``tree`` deploys by its own ``marketlake up``."""

    def __init__(self, tree: Tree, config: LocalConfig) -> None:
        super().__init__(config)
        self.tree = tree

    def up(self) -> None:
        """Start the emulator and the simulated sources, and deploy."""
        command = [sys.executable, "-m", "infra.cli.main", "--root", str(self.config.root)]
        command += ["up", "--port", str(self.config.port)]
        command += ["--constituents", str(self.config.constituents)] if self.config.constituents else []
        subprocess.run(command, cwd=self.tree.path, env=self.tree.environment, check=True, stdout=subprocess.DEVNULL)
        values = values_of(self.config)
        self.deployment = Deployment(str(values["state_machine_arn"]), values, changed=True)


@contextmanager
def deployed(tree: Tree, root: Path, constituents: Path | None = None) -> Iterator[TreePipeline]:
    """A pipeline of ``tree`` that is up, with its state in ``root``."""
    pipeline = TreePipeline(tree, LocalConfig(root=root, port=free_port_pair(), constituents=constituents))
    try:
        pipeline.up()
        yield pipeline
    finally:
        pipeline.down()
