"""docs/notebook.ipynb runs from its first cell to its last on the emulator's lake; plots say what is simulated."""

from __future__ import annotations

import ast

import nbformat
import pytest
from nbclient import NotebookClient

from infra.facts import ROOT
from tests.e2e.pipeline import Pipeline
from tests.e2e.saved_lakes import load_year

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"

BEFORE = "%config InlineBackend.close_figures = False"
AFTER = "[(figure._suptitle, figure.get_supxlabel()) for figure in map(plt.figure, plt.get_fignums())]"


def test_it_is_kept_without_outputs() -> None:
    """Numbers of a lake are of that lake; what is in the repository cannot be old, or taken for the market's."""
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_it_runs_and_marks_what_is_simulated(shared_pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    load_year(shared_pipeline)
    monkeypatch.setenv("MARKETLAKE_ROOT", f"{shared_pipeline.config.root}")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells = [nbformat.v4.new_code_cell(BEFORE), *notebook.cells, nbformat.v4.new_code_cell(AFTER)]
    # A cell that raises ends it with its traceback.
    ran = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": f"{NOTEBOOK.parent}"}}).execute()
    outputs = [output for cell in ran.cells for output in cell.get("outputs", [])]
    texts = [output["data"]["text/plain"] for output in outputs if "data" in output]
    marks = [mark for _, mark in ast.literal_eval(texts[-1])]
    assert marks == ["SIMULATED: prices are simulated (seed 7), rates are the ECB's own"] * 3
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= len(marks)
    said = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
    assert "GapWarning: ftse100_prices lacks what is expected: AZN.L 2022-06-15 to 2022-06-15" in said
    assert any("unit error" in output.get("data", {}).get("text/html", "") for output in outputs), (
        "in quarantine, and why"
    )
