"""Checks of ``marketlake doctor``: what was looked at, how it is, what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

from infra.client.errors import explain
from marketlake.errors import MarketlakeError

Verdict = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Check:
    """One finding; ``advice`` is empty where all is well."""

    check: str
    status: Verdict
    found: str
    advice: str = ""


def attempt(name: str, advice: str, look: Callable[[], Check | str]) -> Check:
    """``look()``, whose text means that all is well; where AWS says otherwise, that is the finding, with ``advice``."""
    try:
        found = look()
    except (ClientError, BotoCoreError) as error:
        return Check(name, "failed", str(explain(error)), advice)
    except MarketlakeError as error:
        return Check(name, "failed", str(error), advice)
    return found if isinstance(found, Check) else Check(name, "ok", found)
