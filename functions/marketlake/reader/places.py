"""Where the lake's objects lie: below an emulator's root, in place, or in an account's buckets, as copies of them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from marketlake.reader.errors import NoAccess, NoLake
from marketlake.reader.shipped import ACCOUNT_ID, SIMULATED, names
from marketlake.storage import Bucket, ObjectMissing, side_by_side

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

Result = TypeVar("Result")
Kind = Literal["raw", "clean", "artifacts"]

DEFAULT_REGION = "eu-west-2"
SUFFIXES = (".parquet", ".csv")
STALE_SECONDS = 86_400


class Place(Protocol):
    """Where a lake lies; ``simulated`` says in a sentence what is simulated there, and is empty where nothing is."""

    described: str
    simulated: str

    def files(self, kind: Kind, prefix: str) -> list[Path]:
        """Files with the objects below ``prefix`` of the bucket ``kind``, by their keys; the folders are the keys'."""
        ...


class Folder:
    """An emulator's root: the objects are plain files, which are read in place, whether the emulator runs or not."""

    def __init__(self, root: Path) -> None:
        """The lake in ``root``.

        Raises:
            NoLake: no emulator was started there.
        """
        try:
            config = json.loads((root / "config.json").read_text("utf-8"))
            prefix, region = config.get("prefix", "marketlake"), config.get("region", DEFAULT_REGION)
        except (OSError, ValueError, AttributeError) as error:
            raise NoLake(
                f"{root} holds no lake of an emulator ({error}); make one with: marketlake up, then marketlake run; "
                "or give the folder: Lake.local(root)"
            ) from error
        self._names, self._s3 = names(prefix, ACCOUNT_ID, region), root / "s3" / ACCOUNT_ID
        self.described = f"the emulator's lake in {root}"
        walks = config.get("source", "replay") == "replay" and not config.get("prices")
        self.simulated = SIMULATED.format(config.get("seed", "?")) if walks else ""

    def files(self, kind: Kind, prefix: str) -> list[Path]:
        """The objects themselves."""
        place = self._s3 / self._names[f"{kind}_bucket"] / prefix
        found = [place] if place.is_file() else place.rglob("*")
        return sorted(path for path in found if path.suffix in SUFFIXES)


class Copies:
    """An account's buckets. Each object is copied once into ``cache``, and again when S3 lists another ETag of it."""

    simulated = ""

    def __init__(self, client: S3Client, named: dict[str, str], cache: Path, described: str) -> None:
        self._client, self._names, self._cache, self.described = client, named, cache, described

    def files(self, kind: Kind, prefix: str) -> list[Path]:
        """Copies of the objects as they are now: one request that lists them, and one for each that is new."""
        bucket = Bucket(self._names[f"{kind}_bucket"], self._client)
        there = ((key, etag) for key, etag in bucket.keys(prefix) if key.endswith(SUFFIXES))
        # A key is a path here; one that leads out of the cache is nothing that the pipeline wrote.
        listed = [(key, etag) for key, etag in there if ".." not in key.split("/") and not key.startswith("/")]
        found = side_by_side(lambda item: self._copy(bucket, *item), listed)
        return sorted(path for path in found if path is not None)

    def _copy(self, bucket: Bucket, key: str, etag: str) -> Path | None:
        path = self._path(bucket, key, etag)
        if path.exists():
            return path
        try:
            stored = bucket.get(key)
        except ObjectMissing:  # removed since it was listed
            return None
        path = self._path(bucket, key, stored.etag)
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in path.parent.glob(f"{Path(key).stem}@*"):
            if time.time() - old.stat().st_mtime > STALE_SECONDS:
                old.unlink(missing_ok=True)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}")
        unfinished.write_bytes(stored.body)
        unfinished.replace(path)
        return path

    def _path(self, bucket: Bucket, key: str, etag: str) -> Path:
        place = Path(key)
        return self._cache / bucket.name / place.parent / f"{place.stem}@{etag}{place.suffix}"


def local_root() -> Path:
    """The root that is meant where none is given: MARKETLAKE_ROOT, else the nearest ``.marketlake`` upwards."""
    given = os.environ.get("MARKETLAKE_ROOT")
    if given:
        return Path(given)
    here = Path.cwd()
    roots = [folder / ".marketlake" for folder in (here, *here.parents)]
    return next((root for root in roots if (root / "config.json").exists()), roots[0])


def cache_folder() -> Path:
    """Where copies of an account's objects are kept, unless another place is given."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "marketlake"


def account(profile: str | None, region: str | None, prefix: str, cache: Path | None) -> Copies:
    """The lake ``prefix`` of the account that the credentials are of.

    Raises:
        NoAccess: there are no credentials, or AWS refuses them.
    """
    session = _asked(lambda: boto3.Session(profile_name=profile, region_name=region))
    where = session.region_name or DEFAULT_REGION
    caller = _asked(lambda: session.client("sts", region_name=where).get_caller_identity())
    config = Config(retries={"mode": "standard", "total_max_attempts": 4}, max_pool_connections=16)
    client = session.client("s3", region_name=where, config=config)
    folder = cache or cache_folder()
    described = f"the lake {prefix} of AWS account {caller['Account']}, {where}"
    return Copies(client, names(prefix, caller["Account"], where), folder, described)


def _asked(call: Callable[[], Result]) -> Result:
    try:
        return call()
    except (BotoCoreError, ClientError) as error:
        raise NoAccess(
            f"AWS: {error}; sign in, such as with: aws sso login --profile NAME, and give Lake.aws(profile=NAME)"
        ) from error
