"""Settings: environment variables as a typed object, read when a function is invoked.

Each function declares a frozen dataclass of what it needs; ``functions.json`` names the same variables, and a test
compares the two.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from marketlake.errors import ContractViolation

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    SettingsClass = TypeVar("SettingsClass", bound=DataclassInstance)


def read_settings(cls: type[SettingsClass], environment: Mapping[str, str] | None = None) -> SettingsClass:
    """An instance of ``cls`` from the variables named as its fields in upper case; ``int`` and ``float`` are parsed.

    Raises:
        ContractViolation: a variable without a default is missing or empty, or is not a number where one is needed.
    """
    source = os.environ if environment is None else environment
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    for field in fields(cls):
        name = field.name.upper()
        text = source.get(name, "")
        if not text:
            if field.default is MISSING:
                raise ContractViolation(f"environment variable {name} is not set; deploy again from functions.json")
            continue
        try:
            values[field.name] = hints[field.name](text)
        except ValueError as error:
            wanted = hints[field.name].__name__
            raise ContractViolation(
                f"environment variable {name}={text!r} is not of type {wanted}; correct it and deploy"
            ) from error
    return cls(**values)
