"""Training of a trial: what a run came to by an epoch, also where it is further."""

from __future__ import annotations

from pathlib import Path

from studies import search

from bpcli.storage.run_directory import RunDirectory
from bpcli.tuning.training import Trained, Trainer, Training

MORE = ("training.epochs=9", "optimizer.learning_rate=0.3")


def trained(folder: Path, name: str, until: int | None) -> Trained:
    """Train the small experiment in a subfolder, or go on with it."""
    trainer = Trainer(folder / "c.json", folder, cache=False, threads=1)
    return trainer.train(Training(0, name, ("tune=null", *MORE), until), lambda: False)


def measured(found: Trained) -> tuple[int, dict[str, float | None]]:
    """Epochs and values."""
    return found.epochs, found.metrics


def test_a_run_that_is_further_is_judged_by_the_epoch_that_is_asked_for(tmp_path: Path) -> None:
    search(tmp_path)
    early = {until: measured(trained(tmp_path, f"until{until}", until)) for until in range(1, 10)}
    whole = measured(trained(tmp_path, "whole", None))
    assert whole == early[9]
    assert len({str(values) for _, values in early.values()}) > 1
    for until in (1, 3, 8):
        assert measured(trained(tmp_path, "whole", until)) == early[until]
    for path in RunDirectory(tmp_path / "whole").checkpoints:
        path.unlink(missing_ok=True)
    for until in (2, 9):
        assert measured(trained(tmp_path, "whole", until)) == early[until]


def test_a_run_without_checkpoints_that_is_to_go_on_begins_again(tmp_path: Path) -> None:
    search(tmp_path)
    whole = trained(tmp_path, "whole", None)
    trained(tmp_path, "stopped", 3)
    for path in RunDirectory(tmp_path / "stopped").checkpoints:
        path.unlink(missing_ok=True)
    assert measured(trained(tmp_path, "stopped", None)) == measured(whole)


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    search(tmp_path)
    whole = trained(tmp_path, "whole", None)
    for until in (2, 5, None):
        found = trained(tmp_path, "steps", until)
    assert measured(found) == measured(whole)
    assert found.finished
