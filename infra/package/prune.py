"""What packages bring and no function needs: left out of the bundles, each with its reason."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

SERVICES = ("athena", "glue", "s3", "xray")
"""AWS services that the functions make clients for, and xray, for which the tracing package makes one where it does not
find itself on Lambda; a test makes each of them from each bundle."""

LEFT_OUT: dict[str, str] = {
    "bin/*": "commands of packages; they name the interpreter that installed them, so would differ by machine",
    ".lock": "uv's own",
    "*.dist-info/RECORD": "lists files that are left out here, and hashes of commands",
    "*.dist-info/INSTALLER": "about the installation",
    "*.dist-info/REQUESTED": "about the installation",
    "*.dist-info/WHEEL": "about the installation",
    "*.dist-info/direct_url.json": "about the installation; may hold a path",
    "*.dist-info/top_level.txt": "read by build tools only",
    "*.dist-info/zip-safe": "read by build tools only",
    "*/__pycache__/*": "compiled anew, with a check that suits Lambda",
    "*/tests/*": "tests of packages: 17 MB of pandas, 8 MB of numpy",
    "*-stubs/*": "types, for checkers",
    "*.pyi": "types, for checkers",
    "*/py.typed": "types, for checkers",
    "*.pxd": "for compiling extensions against a package",
    "*.pyx": "for compiling extensions against a package",
    "*.pxi": "for compiling extensions against a package",
    "*.h": "for compiling extensions against a package",
    "*.c": "for compiling extensions against a package",
    "*.a": "for compiling extensions against a package",
    "boto3/data/*": "models of boto3's resources; the functions use clients",
    "boto3/examples/*": "documentation",
}
"""Pattern (``*`` crosses folders) to reason."""

SERVICE_MODEL = re.compile(r"botocore/data/([^/]+)/")
"""The SDK's models of 400 services are 27 MB. A service that is left out fails by name (UnknownServiceError)."""


def is_left_out(name: str) -> bool:
    """Whether the file ``name`` (its path in the bundle) is left out."""
    service = SERVICE_MODEL.match(name)
    if service is not None and service[1] not in SERVICES:
        return True
    return any(fnmatchcase(name, pattern) or fnmatchcase(f"/{name}", pattern) for pattern in LEFT_OUT)


def prune(folder: Path) -> None:
    """Remove from ``folder`` what is left out."""
    for path in folder.rglob("*"):
        if path.is_file() and is_left_out(path.relative_to(folder).as_posix()):
            path.unlink()
