"""What the global options say, handed to each command as the context's object."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from infra.client.target import DEFAULT_PREFIX, Target, aws_target, local_target


@dataclass(frozen=True)
class Setup:
    """Which deployment the commands work on; nothing is contacted before ``target`` is called."""

    root: Path
    profile: str | None = None
    region: str | None = None
    prefix: str = DEFAULT_PREFIX

    @property
    def is_local(self) -> bool:
        """Whether the embedded AWS is meant: no profile, no region, and MARKETLAKE_TARGET is not ``aws``."""
        return not (self.profile or self.region or os.environ.get("MARKETLAKE_TARGET", "") == "aws")

    def target(self) -> Target:
        """The deployment.

        Raises:
            NotRunning, LocalError: the embedded AWS is not there.
            BotoCoreError, ClientError: the account cannot be reached with these credentials.
        """
        return local_target(self.root) if self.is_local else aws_target(self.profile, self.region, self.prefix)
