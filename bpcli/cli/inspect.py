"""`bpcli inspect`: layers, importance of columns, and hidden neurons of a trained network."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.architecture import layer_lines, target_lines
from bpcli.cli.console import notes, result, result_json
from bpcli.cli.inspect_images import image_lines
from bpcli.cli.inspect_terms import term_lines
from bpcli.cli.inspect_text import MOST_CURVES, column_lines, dependence_lines, grid_lines, neuron_lines, neurons_lines
from bpcli.cli.options import (
    AsJson,
    CheckpointArgument,
    CheckpointOption,
    Force,
    MemberOption,
    NoCache,
    require_member,
    the_one,
)
from bpcli.cli.output import require_free, write_page
from bpcli.cli.tracking import tracked
from bpcli.errors import UsageError
from bpcli.wording import composed, counted, printable, quoted, sized

if TYPE_CHECKING:
    from bpcli.models.model import Model

NEURONS = 10
"""Default number of neurons listed, so that the output fits a screen."""

MOST_DEPENDENCE = 40
"""Number of columns with partial dependence in the JSON document unless some are named, most important first."""


def inspect(
    checkpoint: CheckpointArgument = None,
    run: CheckpointOption = None,
    importance: Annotated[
        str,
        typer.Option(
            metavar="METRIC",
            help="Score that shuffled columns make worse, by which they are ranked: loss, or a metric such as roc_auc.",
        ),
    ] = "loss",
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME,NAME", help="Show only these input columns, with all values; repeatable. Quote as in CSV."
        ),
    ] = None,
    neurons: Annotated[
        int, typer.Option(metavar="N", min=0, help="Number of neurons to list, the most important first.")
    ] = NEURONS,
    layer: Annotated[
        int | None, typer.Option(metavar="L", min=0, help="List only neurons of this layer (index from 0).")
    ] = None,
    neuron: Annotated[
        list[str] | None,
        typer.Option(metavar="L.N", help="Show only this neuron, such as 0.12, in full; repeatable."),
    ] = None,
    member: MemberOption = None,
    no_cache: NoCache = False,
    as_json: AsJson = False,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Write a page instead, - for standard output: for images with filters, and what predictions rest on.",
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Show layers, importance of columns, and what neurons do.

    Uses the rows that evaluate uses: test, else validation, else training rows.

    Example: bpcli inspect runs/penguins-20261121-140203 --column bill_length_mm
    """
    from bpcli.data.preprocess.image_inputs import images_among
    from bpcli.inspection.attributions import sampled_attributions
    from bpcli.inspection.dependence import partial_dependence, require_columns
    from bpcli.inspection.document import Contributions, InspectedColumns, Inspection, RankedColumns
    from bpcli.inspection.importance import permutation_importance, require_score
    from bpcli.inspection.neurons import inspect_neurons
    from bpcli.inspection.term_ranking import ranked_terms
    from bpcli.models.evaluation import SEEN_BY_FINAL, known_classes, split_rows
    from bpcli.models.model import Model
    from bpcli.models.narrowed import few_rows, narrowed, text_names
    from bpcli.models.row_names import file_names
    from bpcli.models.summary import NetworkSummary
    from bpcli.storage.run_checkpoint import unfinished_notes

    if html is not None:
        for given, option in ((as_json, "--json"), (column, "--column"), (neuron, "--neuron")):
            if given:
                raise UsageError(f"{option} and --html exclude each other")
        require_free(html, force, "--html")
    whole = Model.load(the_one(checkpoint, run, "CHECKPOINT", "--run"))
    of_member = whole.of_member(require_member(member, whole.members))
    model = whole if member is None else of_member
    named = [composed(name) for row in csv.reader(column or ()) for name in row if name]
    images = images_among(model.preprocessor.inputs)
    inputs = [part.name for part in model.preprocessor.parts]
    require_columns(named, [*(image.name for image in images), *inputs])
    require_score(model, importance)
    wanted = _wanted(model, layer, neuron or [])
    rows = known_classes(whole, split_rows(whole, None, cache=not no_cache))
    seen = [SEEN_BY_FINAL] if rows.part == "validation" and model.header.all_rows else []
    notes([*unfinished_notes(model.path), *rows.notes, *seen, *_notes_of_members(whole, member)])
    network = NetworkSummary.of(model.preprocessor, model.inference.network, model.loss)
    columns = found = None
    sections = [[f"{rows.source}, {counted(rows.table.rows, 'row')}, epoch {model.header.score.epoch}"]]
    texts = text_names(model)
    if texts:
        chosen = few_rows(model, rows.table)
        rows = replace(rows, table=rows.table.take(chosen), numbers=rows.numbers[chosen])
        model, of_member = narrowed(model, rows.table), narrowed(of_member, rows.table)
    if not (named or neuron):
        sections += [
            target_lines(network),
            [*layer_lines(network), sized(network.parameters, model.members if member is None else 1)],
        ]
    if named or not neuron:
        added = sampled_attributions(model, rows.table, tracked)
        permuted = permutation_importance(model, rows.table, importance, pixels=named, track=tracked)
        ranked = RankedColumns.of(permuted, added, images)
        most = [one.column for one in ranked.columns if one.column in inputs]
        most = [name for name in most if name not in texts]
        with_curves = [name for name in named if name in inputs and name not in texts]
        with_curves = with_curves or ([] if named else most[: MOST_DEPENDENCE if as_json else MOST_CURVES])
        dependence = partial_dependence(model, rows.table, with_curves, tracked)
        contributions = Contributions(added.meaning, len(added.explained), added.remainder)
        shown = replace(
            ranked,
            columns=[one for one in ranked.columns if not named or one.column in named],
            images=tuple(one for one in ranked.images if not named or one.image in named),
        )
        terms = [one for one in ranked_terms(model, rows.table, added) if not named or one.column in named]
        columns = InspectedColumns(shown, contributions, dependence, terms)
        if len(shown.columns) > len(shown.images) or len(shown.images) > 1:
            summaries = [one.summary() for one in (*whole.preprocessor.parts, *(image.fitted for image in images))]
            sections.append(column_lines(summaries, columns, every=bool(named)))
        sections += [image_lines(one, columns, bool(named), place == 0) for place, one in enumerate(shown.images)]
        sections += [term_lines(one, named) for one in terms]
        sections += (
            [grid_lines(one, dependence) for one in dependence.columns]
            if named
            else [dependence_lines(dependence, len(most))]
        )
    if neuron or not named:
        names = file_names(whole, cache=not no_cache)
        files = None if names is None else [names[row - 1] for row in rows.numbers]
        found = [
            one
            for one in inspect_neurons(of_member, rows.table, rows.numbers, files, tracked)
            if (one.layer, one.place) in wanted
        ]
        if neuron:
            sections += [neuron_lines(one, model.preprocessor.target.names) for one in found]
        elif found:
            sections.append(neurons_lines(found, neurons))
    if html is not None:
        from bpcli.inspection.filters import first_filters
        from bpcli.inspection.pictured import pictured_images
        from bpcli.report.inspected import inspection_page

        inspection = Inspection(printable(str(model.path)), rows.source, network, columns, found)
        pictures = pictured_images(model, rows.table, rows.numbers, files, track=tracked)
        name = model.header.config.name or model.path.resolve().parent.parent.name
        write_page(html, inspection_page(f"Inspection of {name}", inspection, pictures, first_filters(of_member)))
        return
    if as_json:
        result_json(Inspection(str(model.path), rows.source, network, columns, found).to_json())
        return
    for index, section in enumerate(filter(None, sections)):
        for line in ["", *section] if index else section:
            result(line)


def _notes_of_members(model: Model, member: int | None) -> list[str]:
    """Note on which members of an ensemble are shown; none for a single network."""
    if model.members == 1 or member is not None:
        return []
    members = counted(model.members, "member")
    return [f"columns are those of the whole ensemble of {members}, neurons those of member 0; choose with --member"]


def _wanted(model: Model, layer: int | None, neurons: list[str]) -> set[tuple[int, int]]:
    """Requested hidden neurons, as layer and index. Raises UsageError for one that does not exist."""
    hidden = {one.index: one.n_units for one in model.inference.network.layers[:-1] if one.units is not None}
    widths = [f"layer {index} has {counted(width, 'neuron')}, from {index}.0" for index, width in hidden.items()]
    there = "; ".join(widths) or "the network has no hidden layer"
    if layer is not None and layer not in hidden:
        raise UsageError(f"--layer {layer}: no hidden layer of neurons; {there}")
    every = {(index, place) for index, width in hidden.items() for place in range(width)}
    for text in neurons:
        if text not in {f"{index}.{place}" for index, place in every}:
            raise UsageError(f"--neuron {quoted(text)}: no such hidden neuron; {there}")
    return {
        (index, place)
        for index, place in every
        if layer in (None, index) and (not neurons or f"{index}.{place}" in neurons)
    }
