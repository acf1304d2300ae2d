"""The house stands on its floors: a module imports only from below, lazily too."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

FLOORS = [
    "system runs history running _version errors randomness spec text nn.arrays nn.compiled.codes",
    "system.blas system.environment system.files system.memory system.threads nn.rows nn.functions "
    "metrics.metric metrics.ranking metrics.significance data.table",
    "nn.activations.base nn.losses.base nn.optimizers.base nn.initializers nn.schedules "
    "metrics.probabilities metrics.counts data.cells data.column_file data.words data.growing",
    "metrics.rowwise nn.units nn.activations.bounded nn.activations.rectified nn.activations.gated "
    "nn.losses.classification nn.losses.regression "
    "nn.optimizers.sgd nn.optimizers.rprop nn.optimizers.adaptive nn.optimizers.adam nn.optimizers.driver",
    "nn.activations nn.losses nn.optimizers",
    "metrics.classification metrics.multilabel metrics.regression data.decimals data.hints data.giveaways "
    "data.table_cache data.polars_cells data.delimited",
    "metrics.registry data.grid data.batches data.split data.rows data.preprocess.encoders",
    "metrics nn.layers.base data.repeats data.text_source data.preprocess.inputs data.preprocess.targets",
    "nn.compiled.blas data.preprocess.target_fitting data.preprocess.columns",
    "nn.compiled.functions",
    "nn.compiled.barrier nn.compiled.passes nn.compiled.updates",
    "nn.compiled.steps",
    "nn.compiled",
    "nn.layers.dense nn.layers.dropout nn.layers.batch_norm nn.layers.layer_norm "
    "data.csv_reader data.npz_reader data.parquet_reader data.regular data.preprocess.preprocessor",
    "nn.layers data.polars_blocks data.preprocess",
    "data.polars_reader",
    "nn.network data.read data.spec",
    "nn.inference nn.recording nn data.data_files",
    "data.selection data",
    "data.leaks",
    "training.spec training.state",
    "training.plan scoring",
    "training.gradient_rules",
    "training.objective training.steps.base training.steps.cut",
    "training.steps.numpy_parts training.steps.program",
    "training.steps.serial training.steps.sharded training.steps.compiled",
    "training.steps",
    "training.stepper training.health",
    "training.epochs",
    "training.loop",
    "training",
    "config.document config.yaml_words config.experiment",
    "config.yaml_loader config.locations",
    "config.yaml_text config.problems",
    "config.overrides",
    "config.loading",
    "config",
    "footprint sealed notes",
    "checkpoint experiment",
    "runs.directory",
    "names difference requirement history.curves history.diagnosis running.stopping history.tensorboard",
    "model running.resume running.runner scaffold gradcheck range_test tracing.updates tracing.arithmetic "
    "runs.listing inspection.integrated_gradients",
    "inspection.sampling tracing.cells tracing.loss tracing.norms",
    "inspection.attributions tracing.step tracing.words",
    "evaluation prediction running.seeds report.scale report.words inspection.importance inspection.neurons "
    "inspection.dependence",
    "report.charts history.plot running.reproduction comparison.contestants comparison.differences inspection "
    "tracing.account",
    "comparison.rows comparison.disagreement report.frame report.curves report.intervals report.tables tracing.stages",
    "comparison.document comparison report.page tracing.worked",
    "report.learning report.data tracing.drawing",
    "report.health tracing.svg",
    "tracing.page",
    "report.contents report.compared report tracing",
    "cli cli.console cli.signals",
    "cli.blocks cli.output cli.architecture",
    "cli.progress",
    "cli.inspect_text cli.seeds cli.range_text",
    "cli.init cli.check cli.train cli.evaluate cli.predict cli.inspect cli.runs cli.compare cli.report cli.plot "
    "cli.reproduce cli.gradcheck cli.trace cli.schema",
    "cli.main",
    "__main__",
]
"""From the ground up. A module may import from lines above its own, never from its own line or from one below."""

LEVEL = {name: level for level, line in enumerate(FLOORS) for name in line.split()}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT / "bpcli").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in (ROOT / "bpcli").rglob("*.py")}


def imported_modules(path: Path) -> set[str]:
    """Modules of bpcli that a file imports anywhere, within functions and for type checkers too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full.removeprefix("bpcli.") in MODULES else str(node.module))
    return {name.removeprefix("bpcli").removeprefix(".") for name in found if name.split(".")[0] == "bpcli"}


def test_every_module_has_a_floor():
    assert set(MODULES) - {""} == set(LEVEL)


@pytest.mark.parametrize("name", sorted(set(MODULES) - {""}))
def test_imports_point_down(name):
    climbing = {other for other in imported_modules(MODULES[name]) if other and LEVEL[other] >= LEVEL[name]}
    assert not climbing, f"{name} imports {climbing} from its own floor or above"
