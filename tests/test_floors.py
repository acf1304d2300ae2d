"""The house stands on its floors: a room imports only from rooms below it, and no circle runs inside a room."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from networks import members

from bpcli.data.targets import FittedTarget, TargetBase
from bpcli.nn.layers import Layer, LayerSpec

ROOT = Path(__file__).parent.parent

GROUND_UP = (
    "_version errors wording spec randomness documents arrays metrics nn decision system",
    "data.calendar data.table data.origins data.batches data.notations data.picture_form data.images_spec data.texts",
    "data.columns data.data_warning data.database_url data.split_spec data.arrays_spec data.file_names",
    "data.location_spec data.series data.spec data.files data.targets data.examples data.windows data.preprocess data",
    "training config storage experiment checks history models inspection comparison jobs tuning",
    "pages tracing report cli __main__",
)
ROOMS = [name for line in GROUND_UP for name in line.split()]
"""From the ground up: folders, and modules that stand beside them. A folder within another is a room of its own."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT / "bpcli").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in (ROOT / "bpcli").rglob("*.py") if module_name(path)}


def room(module: str) -> str:
    """The innermost room that a module stands in."""
    parts = module.split(".")
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next(name for name in names if name in ROOMS)


@cache
def syntax(path: Path) -> list[ast.AST]:
    """Every node of a file's syntax tree."""
    return list(ast.walk(ast.parse(path.read_text())))


def imported_modules(path: Path) -> set[str]:
    """Modules of bpcli that a file imports anywhere, within functions, for type checkers and as members of families."""
    found = set()
    for node in syntax(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {match[1]} if (match := re.fullmatch(r"(bpcli(?:\.\w+)+):\w+", node.value)) else set()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full.removeprefix("bpcli.") in MODULES else str(node.module))
    return {name.removeprefix("bpcli.") for name in found if name.startswith("bpcli.")}


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Modules of bpcli that each module imports."""
    return {name: imported_modules(path) for name, path in MODULES.items()}


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_imports_only_from_rooms_below(imports: dict[str, set[str]], name: str) -> None:
    members = [module for module in MODULES if room(module) == name]
    assert members, f"{name} is no room"
    climbing = {
        f"{module} imports {other}"
        for module in members
        for other in imports[module]
        if ROOMS.index(room(other)) > ROOMS.index(name)
    }
    assert not climbing


@pytest.mark.parametrize("name", ROOMS)
def test_no_circle_runs_inside_a_room(imports: dict[str, set[str]], name: str) -> None:
    """A package is imported with each of its modules; importing from it counts as importing its `__init__`."""
    members = {module for module in MODULES if room(module) == name}
    graph = {module: (imports[module] & members) - {module} for module in members}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" imports ".join(error.args[1]))


def subclasses(of: type) -> set[type]:
    return {of}.union(*map(subclasses, of.__subclasses__()))


def tells_apart(path: Path, names: set[str]) -> list[int]:
    """Lines that ask whether something is of a class of these names, or has an attribute of one of them."""
    lines = []
    for node in syntax(path):
        asked: list[ast.AST] = []
        if isinstance(node, ast.MatchClass):
            asked = [node.cls]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("isinstance", "issubclass"):
                asked = [node.args[1]]
        elif isinstance(node, ast.Compare):
            asked = [node.left, *node.comparators]
        found = {part.id for one in asked for part in ast.walk(one) if isinstance(part, ast.Name)}
        lines += [node.lineno] if found & names else []
    return lines


def test_nobody_but_a_layer_says_what_a_layer_is() -> None:
    """Others ask it, or have one `singledispatch`."""
    names = {one.__name__ for one in members(LayerSpec)} | {one.__name__ for one in subclasses(Layer)}
    assert {"DenseLayer", "RowwiseLayer", "ConvLayer", "Dropout"} <= names
    assert tells_apart(MODULES["nn.layers.conv"], {"DataStd"}), "the search finds what is there"
    telling = {
        f"{module}:{line}"
        for module, path in MODULES.items()
        if not module.startswith("nn.layers")
        for line in tells_apart(path, names)
    }
    assert not telling


def test_nobody_but_a_target_says_what_a_target_is() -> None:
    """Others ask it, or have one `singledispatch`."""
    names = {one.__name__ for one in members(FittedTarget)} | {one.__name__ for one in subclasses(TargetBase)}
    assert {"ClassesTarget", "NumbersTarget"} <= names
    telling = {
        f"{module}:{line}"
        for module, path in MODULES.items()
        if not module.startswith("data.targets")
        for line in tells_apart(path, names)
    }
    assert not telling
