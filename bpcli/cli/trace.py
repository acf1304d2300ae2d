"""`bpcli trace`: one training step in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.console import aligned, notes, result, result_json
from bpcli.cli.options import AsJson, Force, MemberOption, NoCache, Overrides, RunOption, require_member, the_one
from bpcli.cli.output import require_free, write_page
from bpcli.errors import UsageError
from bpcli.wording import counted, printable, quoted

if TYPE_CHECKING:
    from bpcli.experiment.prepared import Prepared
    from bpcli.storage.run_directory import RunDirectory
    from bpcli.tracing.parts import Part
    from bpcli.training.state import TrainingState


def trace(
    source: Annotated[
        Path | None, typer.Argument(metavar="RUN_OR_CONFIG", help="Run directory, or experiment (a YAML file).")
    ] = None,
    of_run: RunOption = None,
    row: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="Row of the data, counted from 1; repeatable (default: the first of epoch 1)."),
    ] = None,
    layer: Annotated[
        int | None, typer.Option(metavar="L", help="Show only this layer (index from 0, as in the config).")
    ] = None,
    neuron: Annotated[
        str | None,
        typer.Option(
            metavar="L.N",
            help="Show only this neuron, such as 0.12, with all inputs; with --layer, N is enough.",
        ),
    ] = None,
    member: MemberOption = None,
    overrides: Overrides = None,
    no_cache: NoCache = False,
    as_json: AsJson = False,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Write an interactive HTML page with the network drawn; - for standard output.",
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Show one training step in numbers, forward and backward.

    A config starts from its initial parameters, a run from its last checkpoint and optimizer state; neither is
    changed. Of wide layers, the neurons with the largest errors are shown.

    Example: bpcli trace configs/penguins.yaml --row 3 --html step.html
    """
    from bpcli.experiment.opening import open_experiment
    from bpcli.jobs.resume import open_run
    from bpcli.system.blas import BlasThreads
    from bpcli.tracing.as_json import trace_document
    from bpcli.tracing.as_text import account
    from bpcli.tracing.chosen_rows import choose_rows
    from bpcli.tracing.page import trace_page
    from bpcli.tracing.step import trace_step

    if html is not None:
        if as_json:
            raise UsageError("--json and --html exclude each other; the page contains all numbers")
        require_free(html, force, "--html")
    source = the_one(source, of_run, "RUN_OR_CONFIG", "--run")
    run = _run(source)
    with BlasThreads().single():
        given, cache = overrides or (), not no_cache
        if run is None:
            prepared = open_experiment(source, given, cache=cache, keep_examples=True)
        else:
            prepared = open_run(run, given, cache=cache, keep_examples=True)
        state = _state(prepared, run)
        whole = prepared
        prepared, state = _of_member(prepared, state, member)
        layer, place = _place(prepared, layer, neuron)
        notes(_held_out(whole, member or 0, row or ()))
        rows = choose_rows(prepared, row or ())
        state = rows.shown.state_of(state, prepared)
        traced = trace_step(rows.shown.prepared, state, rows, str(source if run is None else run.last))
    notes(traced.notes)
    if as_json:
        result_json(trace_document(traced), indent=None)  # indented, half a million weights took 124 MB
        return
    if html is not None:
        write_page(html, trace_page(traced, layer, place))
        return
    for line in _lines(account(traced, layer, place)):
        result(line)


def _run(source: Path) -> RunDirectory | None:
    """Run directory, or None for a config."""
    from bpcli.storage.run_directory import RunDirectory

    if source.suffix == ".safetensors":
        raise UsageError(f"{printable(str(source))}: give the run directory; a step is taken from its last checkpoint")
    return RunDirectory.open(source) if source.is_dir() else None


def _state(prepared: Prepared, run: RunDirectory | None) -> TrainingState:
    """Training state at the start of the step."""
    from bpcli.jobs.resume import resume_state

    return prepared.plan.new_state() if run is None else resume_state(prepared, run)


def _of_member(prepared: Prepared, state: TrainingState, member: int | None) -> tuple[Prepared, TrainingState]:
    """Experiment and state of one member of an ensemble, by default the first; unchanged for a single network."""
    members = prepared.plan.members
    place = require_member(member, len(members))
    if len(members) == 1:
        return prepared, state
    plan = prepared.plan.of_member(members[place])
    choose = "; choose with --member" if member is None else ""
    notes([f"an ensemble of {counted(len(members), 'member')}: this step is of member {place}{choose}"])
    return replace(prepared, plan=plan), state.of_member(place)


def _held_out(prepared: Prepared, member: int, rows: Iterable[int]) -> list[str]:
    """Notes on rows in the fold of a member."""
    folds, numbers = prepared.plan.folds, prepared.train_rows
    if folds is None or numbers is None:
        return []
    held_out = set((numbers[folds.of_rows == member] + 1).tolist())
    return [f"row {row} is held out from member {member}, which never trains on it" for row in rows if row in held_out]


def _place(prepared: Prepared, layer: int | None, neuron: str | None) -> tuple[int | None, int | None]:
    """Indices of the layer and of the neuron within it. Raises UsageError if one does not exist."""
    layers = prepared.network.layers
    of, _, place = (neuron or "").rpartition(".")
    if of and (layer is None or of == str(layer)) and of.isdecimal():
        layer = int(of)
    elif of or (neuron is not None and layer is None):
        raise UsageError(f"--neuron {quoted(str(neuron))}: must be a layer and a place in it, such as 0.12")
    if layer is None:
        return None, None
    if not 0 <= layer < len(layers):
        raise UsageError(f"--layer {layer}: the network has layers 0 to {len(layers) - 1}")
    if neuron is None:
        return layer, None
    if not place.isdecimal() or int(place) >= layers[layer].n_out:
        raise UsageError(f"--neuron {quoted(neuron)}: layer {layer} has neurons 0 to {layers[layer].n_out - 1}")
    return layer, int(place)


def _lines(parts: Iterable[Part]) -> Iterator[str]:
    """Format the trace for a terminal."""
    from bpcli.tracing.parts import Grid, Heading

    for part in parts:
        if isinstance(part, Heading):
            yield from ("", printable(part.words))
        elif isinstance(part, Grid):
            yield from aligned(part.cells, part.right)
        else:
            yield printable(part)
