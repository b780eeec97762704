"""Notebooks: committed without outputs, and run to their end on a small horizon."""

from __future__ import annotations

import gc
import json
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = REPOSITORY / "notebooks"
CURVE = FOLDER / "utilization_cost_curve.ipynb"
PLANNER, SRE, FINANCE = (FOLDER / f"{n}.ipynb" for n in ("capacity_planner", "sre", "finance"))
HORIZON = "4m"
LAUNCH_HORIZON = "30m"
"""Long enough that a replica, which takes a quarter of an hour, comes while it is looked for."""

SVG = "image/svg+xml"

ABSOLUTE_PATH = re.compile(r"(?<![\w./])/\w[\w.-]*/|\b[A-Za-z]:\\\w|file://")
ROW = re.compile(r"^\| ([\d.]+)x \| ([\d.]+)% \| ([\d.]+) \| ([\d.]+) \|$", re.MULTILINE)

# Whatever Jupyter, ZeroMQ and tornado complain of is between them; the kernel has its own filter.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An environment in which kernels find this checkout and nobody's own settings."""
    home = tmp_path_factory.mktemp("jupyter")
    path = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(path))
        patch.setenv("PYTHONWARNINGS", "ignore")
        patch.setenv("TOKENFLEET_NOTEBOOK_HORIZON", HORIZON)
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(home / "runtime"))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        patch.setenv("JUPYTER_PREFER_ENV_PATH", "1")  # the python3 of this environment
        yield


def execute(folder: Path, cells: int | None = None, path: Path = CURVE) -> Any:
    """Run the first *cells* of *path* (default: all) with *folder* as working directory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nbformat = pytest.importorskip("nbformat")
        nbclient = pytest.importorskip("nbclient")
        pytest.importorskip("ipykernel")
        notebook = nbformat.read(path, as_version=4)
        notebook.cells = notebook.cells[:cells]
        resources = {"metadata": {"path": str(folder)}}
        client = nbclient.NotebookClient(
            notebook, kernel_name="python3", timeout=300, resources=resources
        )
        client.execute()
        del client
        gc.collect()  # what it left open complains here, not in some other test
    return notebook


@pytest.fixture(scope="module")
def executed(jupyter: None) -> Any:
    return execute(FOLDER)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(cell: Any) -> str:
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def shown(cell: Any, mime: str) -> str:
    """What the cell's value looks like as *mime*."""
    (found,) = (output.data[mime] for output in cell.outputs if mime in output.get("data", {}))
    return str(found)


def cell(notebook: Any, name: str) -> Any:
    (found,) = (cell for cell in notebook.cells if cell.id == name)
    return found


def test_it_runs_to_its_end(executed: Any) -> None:
    cells = code_cells(executed)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells)
    assert f"{HORIZON} of traffic" in printed(cell(executed, "fleet"))


def test_the_curve_has_five_points_and_falls(executed: Any) -> None:
    rows = ROW.findall(shown(cell(executed, "table"), "text/markdown"))
    scales, utilizations, prices, factors = zip(*(map(float, row) for row in rows), strict=True)
    assert len(rows) >= 5
    assert 1.0 in scales
    assert min(utilizations) < 10.0
    assert max(utilizations) > 90.0
    assert list(utilizations) == sorted(set(utilizations))
    assert list(prices) == sorted(set(prices), reverse=True)
    # Nothing but a node is on the bill: a token costs the naive price over the utilization.
    for utilization, factor in zip(utilizations, factors, strict=True):
        assert utilization / 100.0 * factor == pytest.approx(1.0, rel=0.02)


def test_the_run_is_a_point_beside_the_naive_line(executed: Any) -> None:
    svg = shown(cell(executed, "curve"), "image/svg+xml")
    (real,) = re.findall(r"= \$([\d.]+) per 1M", printed(cell(executed, "real")))
    (naive,) = re.findall(r"= \$([\d.]+) per 1M", printed(cell(executed, "naive")))
    (utilization,) = re.findall(r"= ([\d.]+)%", printed(cell(executed, "utilization")))
    assert f"this run: ${real} at {utilization} %" in svg
    assert f"naive benchmark: ${naive}" in svg
    assert float(real) * float(utilization) / 100.0 == pytest.approx(float(naive), rel=0.02)


def test_its_outputs_name_no_place_of_this_machine(executed: Any) -> None:
    assert str(REPOSITORY) not in json.dumps(executed)


def test_it_finds_the_scenario_from_the_root(jupyter: None) -> None:
    names = [cell["id"] for cell in committed(CURVE)["cells"]]
    notebook = execute(REPOSITORY, names.index("fleet") + 1)
    assert "llama-3.1-8b on h100-sxm" in printed(cell(notebook, "fleet"))


def told(cell: Any) -> str:
    """All tables of the cell."""
    found = [output.get("data", {}).get("text/markdown", "") for output in cell.outputs]
    return "\n".join(found)


def assert_complete(notebook: Any) -> None:
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells)
    assert str(REPOSITORY) not in json.dumps(notebook)


def test_the_planner_finds_a_fleet_and_the_day_when_it_is_full(jupyter: None) -> None:
    notebook = execute(FOLDER, path=PLANNER)
    assert_complete(notebook)
    assert "One replica and two" in told(cell(notebook, "size"))
    assert "meets every SLO" in told(cell(notebook, "plan"))
    assert "What meeting the SLOs costs" in shown(cell(notebook, "frontier"), SVG)
    full = shown(cell(notebook, "full"), "text/markdown")
    (multiple,) = map(float, re.findall(r"bears ([\d.]+) x", full))
    (weeks,) = map(float, re.findall(r"full in ([\d.]+) weeks, on \d{4}-\d\d-\d\d", full))
    assert 1.03**weeks == pytest.approx(multiple, rel=0.01)


def test_the_sre_sees_the_launch_and_its_waste(
    jupyter: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENFLEET_NOTEBOOK_HORIZON", LAUNCH_HORIZON)
    notebook = execute(FOLDER, path=SRE)
    assert_complete(notebook)
    assert "Replicas" in shown(cell(notebook, "timeline"), SVG)
    assert "What happened in pool main" in told(cell(notebook, "events"))
    assert "chat" in told(cell(notebook, "slo"))
    assert "Waste" in told(cell(notebook, "waste"))


def test_finance_sees_the_bill_the_ladder_and_the_api(jupyter: None) -> None:
    notebook = execute(FOLDER, path=FINANCE)
    assert_complete(notebook)
    assert "orchestration" in told(cell(notebook, "bill"))
    assert "naive benchmark" in shown(cell(notebook, "gap"), SVG)
    assert "real price" in shown(cell(notebook, "gap"), SVG)
    assert "summaries" in shown(cell(notebook, "routes"), SVG)
    assert "gpt-5-mini" in told(cell(notebook, "hosted"))


def committed(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def source(cell: Any) -> str:
    return "".join(cell["source"])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.name)
def test_committed_notebooks_are_stripped(path: Path) -> None:
    notebook = committed(path)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert notebook["metadata"]["language_info"] == {"name": "python"}
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}
        assert "attachments" not in cell
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.name)
def test_committed_notebooks_name_no_place_of_a_machine(path: Path) -> None:
    for cell in committed(path)["cells"]:
        assert not ABSOLUTE_PATH.search(source(cell))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.name)
def test_dollars_in_text_start_no_formula(path: Path) -> None:
    """Jupyter reads what stands between two dollar signs as mathematics."""
    for cell in committed(path)["cells"]:
        if cell["cell_type"] == "markdown":
            assert not re.search(r"(?<!\\)\$", source(cell))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('open("/home/me/x.yaml")', True),
        (r"C:\Users\me", True),
        ("[x](../scenarios/x.yaml), scenarios/x.yaml, a / b / c", False),
    ],
)
def test_absolute_paths_are_recognised(text: str, found: bool) -> None:
    assert bool(ABSOLUTE_PATH.search(text)) is found
