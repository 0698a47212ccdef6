"""The machines that packages are built for."""

from __future__ import annotations

import platform
import sys
import sysconfig
from dataclasses import dataclass

LAMBDA_PYTHON = "3.13"


class PackageError(Exception):
    """The packages cannot be built; the message says what to do."""


@dataclass(frozen=True)
class Target:
    """A machine and a Python.

    Args:
        name: what ``--arch`` calls it.
        architecture: as Lambda calls it, ``arm64`` or ``x86_64``.
        python: major and minor version.
        platform: uv's name of the platform whose wheels are taken, None for this machine.
        tag: distinguishes what is installed and compiled for this target from any other's.
    """

    name: str
    architecture: str
    python: str
    platform: str | None
    tag: str

    @property
    def is_local(self) -> bool:
        """Whether the packages are run by this interpreter, on the local AWS emulator."""
        return self.platform is None


def _lambda(name: str, machine: str) -> Target:
    # Lambda's Python 3.13 is on Amazon Linux 2023, glibc 2.34: wheels for 2.28 and older run there.
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
    return Target(name, name, LAMBDA_PYTHON, f"{machine}-manylinux_2_28", f"{name}-py{LAMBDA_PYTHON}")


def _local() -> Target:
    architecture = "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    tag = f"local-{sysconfig.get_platform()}-{sys.implementation.cache_tag}"
    return Target("local", architecture, python, None, tag)


def targets() -> dict[str, Target]:
    """All targets by name: Lambda's two architectures, and this interpreter on this machine."""
    known = (_lambda("arm64", "aarch64"), _lambda("x86_64", "x86_64"), _local())
    return {target.name: target for target in known}
