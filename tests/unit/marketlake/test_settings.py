from __future__ import annotations

import importlib
from dataclasses import dataclass, fields

import pytest

from infra.facts import function_names, functions_file
from marketlake.errors import ContractViolation
from marketlake.settings import read_settings

FUNCTION_FACTS = functions_file()


@dataclass(frozen=True)
class Sample:
    bucket: str
    attempts: int
    share: float
    last_day: str = "none"


def test_settings_are_typed_and_defaults_stand_in_for_what_is_empty() -> None:
    environment = {"BUCKET": "b", "ATTEMPTS": "3", "SHARE": "0.5", "LAST_DAY": "", "OTHER": "x"}
    assert read_settings(Sample, environment) == Sample("b", 3, 0.5, "none")
    assert read_settings(Sample, {**environment, "LAST_DAY": "2023-01-02"}).last_day == "2023-01-02"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"BUCKET": ""}, "BUCKET is not set"),
        ({"ATTEMPTS": "three"}, "ATTEMPTS='three' is not of type int"),
        ({"ATTEMPTS": "3.5"}, "ATTEMPTS='3.5' is not of type int"),
        ({"SHARE": "half"}, "SHARE='half' is not of type float"),
    ],
)
def test_a_missing_or_wrong_setting_is_a_violation_that_names_it(change: dict[str, str], message: str) -> None:
    with pytest.raises(ContractViolation, match=message):
        read_settings(Sample, {"BUCKET": "b", "ATTEMPTS": "3", "SHARE": "0.5"} | change)


def test_settings_are_read_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BUCKET", "first"), ("ATTEMPTS", "1"), ("SHARE", "1")):
        monkeypatch.setenv(name, value)
    assert read_settings(Sample).bucket == "first"
    monkeypatch.setenv("BUCKET", "second")
    assert read_settings(Sample).bucket == "second"


@pytest.mark.parametrize("function", function_names())
def test_each_function_is_given_exactly_the_settings_it_reads(function: str) -> None:
    facts = FUNCTION_FACTS["functions"][function]
    module, _, name = facts["handler"].rpartition(".")
    loaded = importlib.import_module(module)
    assert callable(getattr(loaded, name))
    given = [setting for setting in facts["environment"] if not setting.startswith("POWERTOOLS_")]
    assert given == [field.name.upper() for field in fields(loaded.Settings)]
    assert set(facts["environment"]) <= set(FUNCTION_FACTS["environment"])
    assert facts["bundle"] in FUNCTION_FACTS["bundles"]
