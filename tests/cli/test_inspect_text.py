"""Lines of an inspection: curves on one scale, and which rows a number is of."""

from __future__ import annotations

from dataclasses import replace

from bpcli.cli.inspect_text import bar, curve, dependence_lines, grid_lines, neurons_lines
from bpcli.inspection.dependence import Dependence, PartialDependence
from bpcli.inspection.importance import ColumnImportance
from bpcli.inspection.neurons import Neuron

NEURON = Neuron(0, 0, 1.0, 0.5, "", [("a", 1.0), ("b", -0.25)], [], {}, 0.75, 0.125, rows=200, loss_rows=200)


def test_a_bar_is_shaded_by_its_interval() -> None:
    assert bar(ColumnImportance("a", 0.5, 0.0, 0.25, 0.75), 1.0) == "███▓▓▓░░░"
    assert bar(ColumnImportance("a", 0.1, 0.0, -0.25, 0.45), 1.0) == "▓░░░░"
    assert bar(ColumnImportance("a", -0.1, 0.0, -0.25, 0.05), 1.0) == "░"
    assert bar(ColumnImportance("a", 1.0, 0.0), 1.0) == "█" * 12
    assert bar(ColumnImportance("a", 0.0, 0.0, 0.0, 0.0), 0.0) == ""


def test_a_curve_has_the_lowest_block_for_the_low_end_of_its_scale_and_the_highest_for_the_high_end() -> None:
    assert curve([0, 1, 2, 3, 4, 5, 6, 7], 0, 7) == "▁▂▃▄▅▆▇█"
    assert curve([0.0, 0.5, 1.0], 0, 1) == "▁▅█"
    assert curve([0.5, 0.52], 0, 1) == "▅▅"
    assert curve([2.0, 2.0], 2, 2) == "▁▁"
    many = [float(place) for place in range(10_000)]
    assert curve(many, 0, many[-1]) == "▁▁▁▁▁▂▂▂▂▂▃▃▃▃▃▄▄▄▄▄▅▅▅▅▅▆▆▆▆▆▇▇▇▇▇█████"


def test_all_curves_of_numbers_are_on_one_scale_and_categories_are_named_by_their_answers() -> None:
    steep = Dependence("steep", [1.0, 2.0, 3.0], {"y": [0.0, 50.0, 100.0]})
    flat = Dependence("flat", [1.0, 2.0, 3.0], {"y": [50.0, 51.0, 52.0]})
    words = Dependence("words", ["a", "b", "c"], {"y": [30.0, 10.0, 20.0]})
    *_, first, second, third = dependence_lines(PartialDependence("prediction", 5, [steep, flat, words]), 3)
    assert "▁▅█" in first
    assert first.endswith("0.0000 → 100.0000")
    assert "▅▅▅" in second
    assert third.endswith("10.0000 b, 30.0000 a")


def test_small_probabilities_are_drawn_on_their_own_range_which_the_header_names() -> None:
    rare = Dependence("a", [1.0, 2.0, 3.0], {"no": [0.98, 0.95, 0.92], "yes": [0.02, 0.05, 0.08]})
    lines = dependence_lines(PartialDependence("probability", 5, [rare]), 1)
    assert "drawn over their range, 0.02 to 0.08;" in " ".join(lines)
    assert "▁▅█" in lines[-1]
    assert lines[-1].endswith("0.0200 → 0.0800")
    assert not any("missing" in line or "more" in line for line in lines)


def test_rounding_is_not_drawn() -> None:
    assert curve([0.1, 0.1 + 1e-12], 0.1, 0.1 + 1e-12) == "▁▁"


def test_the_output_at_a_missing_cell_is_a_column_and_takes_part_in_the_scale() -> None:
    lonely = Dependence("lonely", ["only"], {"y": [0.5]}, {"y": 0.1})
    whole = Dependence("whole", [1.0, 2.0], {"y": [0.1, 0.9]})
    found = PartialDependence("prediction", 5, [lonely, whole])
    *head, header, first, second = dependence_lines(found, 2)
    assert "missing: at a missing cell;" in " ".join(head)
    assert header.split()[-1] == "missing"
    assert first.split() == ["lonely", "y", "only", "▅", "only", "0.5000", "only,", "0.5000", "only", "0.1000"]
    assert second.split() == ["whole", "y", "1", "▁█", "2", "0.1000", "→", "0.9000", "-"]
    text = "\n".join(grid_lines(lonely, found))
    assert [line.split() for line in text.splitlines()[2:4]] == [["only", "0.5000"], ["(missing)", "0.1000"]]
    assert "curves drawn over their range, 0.1 to 0.5" in text


def test_columns_that_are_left_out_are_counted_with_the_way_to_see_them() -> None:
    columns = [Dependence(f"c{place}", [0.0, 1.0], {"y": [0.0, 1.0]}) for place in range(8)]
    last = "more, less important; --column NAME shows any of them, --json lists more"
    assert dependence_lines(PartialDependence("prediction", 5, columns), 31)[-1] == f"and 25 {last}"
    assert dependence_lines(PartialDependence("prediction", 5, columns[:6]), 7)[-1] == f"and 1 {last}"
    assert dependence_lines(PartialDependence("prediction", 5, columns[:6]), 6)[-1].startswith("c5")


def test_the_loss_without_a_neuron_is_said_to_be_over_fewer_rows_where_it_is() -> None:
    words = " ".join(neurons_lines([NEURON], 1))
    assert "increase of the mean loss when" in words
    assert "increase of the mean loss, over 50 rows, when" in " ".join(
        neurons_lines([replace(NEURON, loss_rows=50)], 1)
    )


def test_neurons_that_do_nothing_of_their_own_are_counted() -> None:
    states = ("", "as neuron 0", "dead", "constant")
    lines = neurons_lines([replace(NEURON, place=place, state=state) for place, state in enumerate(states)], 4)
    assert "1 duplicates of another in their layer, 1 dead, 1 constant, of 4" in lines[-1]
    assert lines[-5].split() == ["0.0", "0.1250", "0.7500", "+", "a,", "−", "b"]
