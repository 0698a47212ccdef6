"""All faults that are made inside MiniStack; why there and not in a proxy before it: docs/decisions/0010."""

from __future__ import annotations

from pathlib import Path

from infra.faults import athena_faults, function_faults, s3_faults, task_faults
from infra.faults.injector import Injector
from infra.faults.switch import Switch


def install(root: Path) -> None:
    """Let the switch in ``root`` decide about the calls of this process's MiniStack; off, it costs a look at a file."""
    injector = Injector(Switch(root))
    s3_faults.install(injector)
    athena_faults.install(injector)
    task_faults.install(injector)
    function_faults.install()
