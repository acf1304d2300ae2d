"""Other libraries' models are compared like runs, on the same training rows and the same test rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparison_runs import PART, TEST, YES, A, by, columns
from planted import trained

from bpcli.comparison.compare import compare_runs
from bpcli.comparison.peer_rows import PeerRows
from bpcli.comparison.peers import PEERS, peers_named
from bpcli.errors import UsageError
from bpcli.report.compared import comparison_page


@dataclass
class BySign:
    """A peer that looks at the sign of the first column, and remembers what it was given."""

    name: str = "by-sign"
    given: list[Any] = field(default_factory=list)

    def description(self, classes: int) -> str:
        return f"the sign, of {classes} classes"

    def answer(self, train: PeerRows, y: Any, rows: PeerRows, classes: int) -> Any:
        self.given = [train.x, y, rows.x]
        if not classes:
            return rows.x[:, 0]
        yes = np.where(rows.x[:, 0] > 0, 0.9, 0.2)
        return np.column_stack([1 - yes, yes])


def test_a_peer_sees_the_training_rows_and_is_scored_on_the_test_rows(tmp_path: Path) -> None:
    run, peer = by(tmp_path, "wrong", 0, 1), BySign()
    found = compare_runs([run], peers=[peer])
    x, y, asked = peer.given
    np.testing.assert_allclose(x[:, 0], A[PART == "train"])
    np.testing.assert_array_equal(y, YES[PART == "train"])
    np.testing.assert_allclose(asked[:, 0], A[TEST])
    assert list(found.scores) == ["wrong", "by-sign"]
    assert found.scores["by-sign"].scores["accuracy"] == 1.0
    assert found.scores["by-sign"].scores["log_loss"] == pytest.approx(
        -float(np.mean(np.where(YES[TEST], np.log(0.9), np.log(0.8))))
    )
    (entry,) = found.differences
    assert (entry.headline.run, entry.headline.against, entry.headline.better) == ("by-sign", "wrong", "by-sign")
    assert [(one.label, one.description, one.training_rows) for one in found.peers] == [
        ("by-sign", "the sign, of 2 classes", 30)
    ]
    document = found.to_json()
    assert [one["label"] for one in document["peers"]] == ["by-sign"]
    assert [one["label"] for one in document["runs"]] == ["wrong"]
    assert "by-sign: the sign, of 2 classes" in comparison_page(found)


def test_peers_stand_beside_several_runs_and_requirements_are_for_runs_alone(tmp_path: Path) -> None:
    from bpcli.comparison.not_worse import NotWorse

    right, wrong = by(tmp_path, "right", 1, 0), by(tmp_path, "by-sign", 0, 1)
    found = compare_runs([right, wrong], peers=[BySign()], requirements=[NotWorse.parse("not worse")])
    assert list(found.scores) == ["right", "by-sign", "by-sign (peer)"]
    assert [one.headline.run for one in found.differences] == ["by-sign", "by-sign (peer)"]
    assert [one.run for one in found.requirements] == ["by-sign"]
    assert found.differences[1].headline.difference == 0


def test_numbers_are_predicted_in_their_own_units(tmp_path: Path) -> None:
    run = trained(tmp_path, "[]", "{layers.0.bias: [0]}", columns(y=A * 1000), name="zero")
    found = compare_runs([run], peers=[BySign()])
    assert found.scores["by-sign"].scores["mae"] == pytest.approx(999 * float(np.abs(A[TEST]).mean()))


def test_one_run_alone_is_too_few_without_peers_and_for_requirements(tmp_path: Path) -> None:
    from bpcli.comparison.not_worse import NotWorse

    run = by(tmp_path, "wrong", 0, 1)
    with pytest.raises(UsageError, match="two or more runs"):
        compare_runs([run])
    with pytest.raises(UsageError, match="two or more runs"):
        compare_runs([run], peers=[BySign()], requirements=[NotWorse.parse("not worse")])
    with pytest.raises(UsageError, match="a run to compare"):
        compare_runs([], peers=[BySign()])


def test_several_targets_are_refused(tmp_path: Path) -> None:
    two = "{layers.0.bias: [0, 0]}"
    run = trained(tmp_path, "[]", two, columns(y=A, z=A), target="[y, z]")
    with pytest.raises(UsageError, match=r"--with: peers predict one target; this run predicts 2 targets"):
        compare_runs([run], peers=[BySign()])


def test_an_unknown_peer_is_named_with_those_that_exist() -> None:
    with pytest.raises(UsageError, match="no peer 'lightgmb'; did you mean 'lightgbm'"):
        peers_named(["lightgmb"])


@pytest.mark.parametrize("name", PEERS)
def test_the_package_of_a_peer_is_asked_for_in_one_line_if_it_is_missing(name: str) -> None:
    class Absent(type(PEERS[name])):
        package = "not_there_at_all"

    with pytest.raises(UsageError, match=rf"--with {name} requires .* pip install 'backprop-cli\[baselines\]'"):
        peers_named([name], {name: Absent()})


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("target", ["classes", "numbers"])
def test_the_real_peers_learn_a_table_of_numbers_and_categories(name: str, target: str, tmp_path: Path) -> None:
    pytest.importorskip(PEERS[name].package, reason="the extra baselines is not installed")
    generator = np.random.default_rng(0)
    rows = 600
    x, kind = generator.normal(size=rows), generator.choice(["a", "b", "c"], size=rows)
    value = 3 * x + np.select([kind == "a", kind == "b"], [4.0, -4.0], 0.0)
    y = np.where(value > 0, "yes", "no") if target == "classes" else value
    holes = [None if index % 50 == 0 else number for index, number in enumerate(x)]
    table = {"x": holes, "kind": kind, "part": np.resize(["train", "test"], rows), "y": y}
    run = trained(tmp_path, "[]", "{layers.0.bias: [0]}", table)
    found = compare_runs([run], peers=peers_named([name]))
    scores = found.scores[name].scores
    best = scores["accuracy"] if target == "classes" else scores["r2"]
    assert best is not None
    assert best > 0.9
    assert found.peers[0].training_rows == 300
