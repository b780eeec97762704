"""The house: which room may know which, where the clock is, how long a file may be."""

from __future__ import annotations

import ast
import re
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / "sim"

FLOORS: tuple[tuple[str, ...], ...] = (
    ("units", "streams", "version", "laws"),
    ("catalog", "ledger"),
    ("scenario", "serving"),
    ("traffic", "fleet", "cost"),
    ("simulation", "workload"),
    ("studies",),
    ("report",),
    ("cli", "__init__"),
)
"""Rooms from the ground up; a room is a folder of `sim`, or a file right in it."""

CLOCKS = {
    "serving.replica",
    "simulation",
    "studies.calibration_replay",
    "studies.gap_loop",
    "studies.naive",
    "studies.speed",
}
"""Modules that import SimPy, beside those of `fleet`; the last one times it, bare."""

MOST_LINES = 350

FORBIDDEN = (
    r"python" + r"hosted",
    r"pypi" + r"\.org",
    r"registry" + r"\.npmjs",
    r"deb" + r"\.debian",
    r"(?<![A-Za-z0-9_.~-])/(root|opt|mnt|srv)/\w",  # paths of a machine
    r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b",
    r"(?i:\bissue #?\d)",
)

FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


@cache
def modules() -> dict[str, Path]:
    """Every module of `sim` by its dotted name below it, `__init__` for the package itself."""
    found = {}
    for path in sorted(HOUSE.rglob("*.py")):
        parts = path.relative_to(HOUSE).with_suffix("").parts
        if len(parts) > 1 and parts[-1] == "__init__":
            parts = parts[:-1]
        found[".".join(parts)] = path
    return found


def room(module: str) -> str:
    return module.partition(".")[0]


@cache
def imports(module: str) -> frozenset[tuple[str, bool]]:
    """(dotted name, whether at run time) of all that *module* imports, wherever it does."""
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    hints = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    names: set[tuple[str, bool]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {(alias.name, node not in hints) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            names |= {(f"{node.module}.{alias.name}", node not in hints) for alias in node.names}
    return frozenset(names)


def own_imports(module: str, *, hints: bool = True) -> set[str]:
    """Modules of `sim` that *module* imports."""
    found = set()
    for name, at_run_time in imports(module):
        if (at_run_time or hints) and (name == "sim" or name.startswith("sim.")):
            inner = name.removeprefix("sim").removeprefix(".") or "__init__"
            while inner not in modules() and "." in inner:
                inner = inner.rpartition(".")[0]  # a name in a module
            found.add(inner if inner in modules() else "__init__")
    return found


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_module_is_in_a_room_and_knows_only_lower_floors(module: str) -> None:
    assert room(module) in FLOOR_OF, f"sim/{room(module)} stands on no floor"
    for other in own_imports(module):
        if room(other) != room(module):
            assert FLOOR_OF[room(other)] < FLOOR_OF[room(module)], f"{module} knows {other}"


def test_every_room_of_the_plan_is_there() -> None:
    assert {room(module) for module in modules()} == set(FLOOR_OF)


def test_no_module_imports_itself_round_a_corner() -> None:
    graph = {m: own_imports(m, hints=False) - {m} for m in modules()}
    while leaves := [m for m, others in graph.items() if not others]:
        for leaf in leaves:
            del graph[leaf]
        for others in graph.values():
            others.difference_update(leaves)
    assert not graph, f"cycles among {sorted(graph)}"


def test_simpy_is_known_only_where_there_is_a_clock() -> None:
    knows = {m for m in modules() if any(room(name) == "simpy" for name, _ in imports(m))}
    assert {m for m in knows if room(m) != "fleet"} == CLOCKS
    assert knows - CLOCKS


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_file_is_one_noun(module: str) -> None:
    lines = len(modules()[module].read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES, f"{module} has {lines} lines: two nouns"


def test_names_of_test_files_are_unique() -> None:
    names = [path.name for path in ROOT.glob("tests/**/test_*.py")]
    assert sorted(set(names)) == sorted(names)


@cache
def unit_test_texts() -> dict[str, str]:
    folder = ROOT / "tests" / "unit"
    return {p.stem: p.read_text(encoding="utf-8") for p in sorted(folder.glob("test_*.py"))}


def unit_tests(module: str) -> list[str]:
    """`test_<folder>_<module>` or `test_<module>`, and whatever else imports it by name."""
    folder, _, name = module.rpartition(".")
    dotted = rf"from sim\.{module.replace('.', r'[.]')} import|import sim\.{module}\b"
    within = rf"from sim\.{folder} import .*\b{name}\b" if folder else dotted
    return [
        stem
        for stem, text in unit_test_texts().items()
        if stem in (f"test_{module.replace('.', '_')}", f"test_{name}")
        or re.search(f"{dotted}|{within}", text)
    ]


@pytest.mark.parametrize(
    "module",
    sorted(m for m, path in modules().items() if path.name not in ("__init__.py", "version.py")),
)
def test_a_module_has_its_unit_tests(module: str) -> None:
    assert unit_tests(module), f"no tests/unit/test_… names sim.{module}"


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_module_says_what_it_is(module: str) -> None:
    docstring = ast.get_docstring(ast.parse(modules()[module].read_text(encoding="utf-8")))
    assert docstring, f"{module} has no docstring"
    assert docstring.splitlines()[0].endswith((".", ":")), f"{module}: one sentence first"


def written() -> list[Path]:
    """Every text file of the project."""
    folders = ("sim", "tests", "scenarios", "notebooks", "docs")
    kinds = {".py", ".yaml", ".yml", ".json", ".md", ".toml", ".ipynb", ".html", ".txt", ".cfg"}
    inside = chain.from_iterable((ROOT / folder).rglob("*") for folder in folders)
    return [p for p in chain(inside, ROOT.glob("*")) if p.is_file() and p.suffix in kinds]


def test_nothing_is_said_of_where_and_how_it_was_made() -> None:
    pattern = re.compile("|".join(f"(?:{part})" for part in FORBIDDEN))
    found = [
        f"{path.relative_to(ROOT)}:{number}: {hit.group(0)!r}"
        for path in written()
        for number, line in enumerate(
            path.read_text(encoding="utf-8", errors="replace").splitlines(), 1
        )
        for hit in pattern.finditer(line)
    ]
    assert not found


def test_a_forbidden_word_would_be_seen() -> None:
    pattern = re.compile("|".join(f"(?:{part})" for part in FORBIDDEN))
    for text in ("see /" + "opt/me", "# TO" + "DO: later", "files.python" + "hosted.org"):
        assert pattern.search(text), text
    for text in ("a network/work/load", "workspace", "the work is done", "half an issue"):
        assert not pattern.search(text), text
