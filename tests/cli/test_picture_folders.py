"""Folders of pictures through the commands: from init to predictions of new pictures."""

from __future__ import annotations

from pathlib import Path
from shutil import copy, copytree
from typing import Any

import numpy as np
import pytest
from commands import bpcli

Image: Any = pytest.importorskip("PIL.Image")


def write(folder: Path, names: list[str], size: int = 6) -> None:
    """Pictures that are bright on the left for names with `left`, else on the right."""
    generator = np.random.default_rng(0)
    for name in names:
        values = generator.integers(0, 100, (size, size), dtype=np.uint8)
        half = slice(0, size // 2) if "left" in name else slice(size // 2, size)
        values[:, half] += 150
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(folder / name)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with pictures in two classes, the config that init writes for them, and a run of it."""
    folder = tmp_path_factory.mktemp("pictures")
    write(folder / "sides", [f"{side}/{index}.png" for side in ("left", "right") for index in range(20)])
    bpcli("init", "sides", "--output", "sides.yaml", cwd=folder).ok()
    bpcli("train", "sides.yaml", "--run-dir", "run", "--set", "training.epochs=20", cwd=folder).ok()
    return folder


def test_init_names_class_size_and_shape(trained: Path) -> None:
    lines = (trained / "sides.yaml").read_text().splitlines()
    for line in (
        "  target: label",
        "  images: {size: [6, 6], channels: 1}    # each picture is brought to that",
        "    - file    # the name of each picture",
        "input: {shape: [6, 6, 1], scale: channel}    # one mean and spread a channel",
    ):
        assert line in lines


def test_init_asks_for_a_folder_for_each_class(trained: Path) -> None:
    found = bpcli("init", "sides/left", cwd=trained)
    assert found.code == 2
    assert found.err.endswith(": pictures without classes; put those of each class in a folder of its own\n")


def test_init_chooses_a_size_for_pictures_of_several(trained: Path) -> None:
    write(trained / "mixed", ["left/1.png", "right/1.png"], size=160)
    write(trained / "mixed", ["left/2.png"], size=30)
    found = bpcli("init", "mixed", cwd=trained).ok()
    assert "  images: {size: [64, 64], channels: 1} " in found.out
    assert "input: {shape: [64, 64, 1], scale: channel} " in found.out


def test_a_single_picture_is_told_from_a_table(trained: Path) -> None:
    found = bpcli("predict", "sides/left/0.png", "--run", "run", cwd=trained)
    assert (found.code, found.err) == (3, "error: sides/left/0.png: a single picture; give the folder that it is in\n")


def test_the_names_of_pictures_are_no_input(trained: Path) -> None:
    found = bpcli("check", "sides.yaml", "--set", "data.exclude=[]", cwd=trained)
    assert found.code == 2
    assert found.err.endswith("the data has 2 inputs: list 'file' in data.exclude\n")


def test_new_pictures_of_another_size_are_predicted_by_name(trained: Path) -> None:
    write(trained / "new", ["a_left.png", "b_right.png", "c_left.png"], size=12)
    found = bpcli("predict", "new", "--checkpoint", "run", "--keep", "file", cwd=trained).ok()
    assert found.out == "file,prediction\na_left.png,left\nb_right.png,right\nc_left.png,left\n"


def test_names_that_do_not_tell_pictures_apart_are_noted(trained: Path) -> None:
    write(trained / "more", ["a_left.png", "d_right.png"])
    write(trained / "less", ["a_left.png"])
    found = bpcli("predict", "more", "less", "--run", "run", "--keep", "file", cwd=trained).ok()
    assert found.out.splitlines()[1:] == ["a_left.png,left", "d_right.png,right", "a_left.png,left"]
    note = (
        "note: 1 name in 'file', such as 'a_left.png', is that of pictures in several folders; rows are in the order "
        "of the folders given\n"
    )
    assert note in found.err
    assert note not in bpcli("predict", "more", "less", "--run", "run", cwd=trained).ok().err
    found = bpcli("predict", "more", "./more", "--run", "run", "--keep", "file", cwd=trained).ok()
    assert "note: more is given 2 times, so its rows are predicted as often\n" in found.err
    assert "several folders" not in found.err


def test_a_folder_of_classes_is_evaluated(trained: Path) -> None:
    found = bpcli("evaluate", "run", "--data", "sides", "--json", "--require", "accuracy>=0.95", cwd=trained).ok()
    assert found.json["rows"] == 40


def test_a_broken_picture_ends_the_command_with_its_name(trained: Path) -> None:
    write(trained / "broken", ["1_left.png", "2_left.png"])
    (trained / "broken" / "2_left.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    found = bpcli("predict", "broken", "--checkpoint", "run", cwd=trained)
    assert (found.code, found.out) == (3, "")
    assert found.err.startswith("error: broken/2_left.png: ")
    assert found.err.count("\n") == 1


def test_a_run_resumes_and_reproduces_on_pictures(trained: Path) -> None:
    bpcli("reproduce", "run", cwd=trained).ok()
    bpcli("train", "--resume", "run", "--set", "training.epochs=21", cwd=trained).ok()


def test_pixels_are_named_by_position(trained: Path) -> None:
    found = bpcli("predict", "sides/left", "--run", "run", "--explain", cwd=trained).ok()
    names = found.out.splitlines()[0]
    assert names.startswith('prediction,explained,baseline,"contribution_image[0,0]","contribution_image[0,1]",')
    assert names.endswith('"contribution_image[5,5]"')
    found = bpcli("trace", "run", "--layer", "0", "--neuron", "0", cwd=trained).ok()
    assert "image[1,1]  " in found.out
    assert "image7" not in found.out


def test_a_changed_picture_is_said_with_a_plain_path(trained: Path, tmp_path: Path) -> None:
    copytree(trained, tmp_path / "copy")
    write(tmp_path / "copy" / "sides" / "left", ["0.png"], size=5)
    found = bpcli("reproduce", "run", cwd=tmp_path / "copy")
    assert found.err == "error: sides: the data has changed since the run; restore the original\n"
    (tmp_path / "copy" / "t.csv").write_text("photo,y\n" + "".join(f"sides/left/{n}.png,{n}.5\n" for n in range(1, 20)))
    (tmp_path / "copy" / "t.yaml").write_text(
        "data: {path: t.csv, target: y, columns: {photo: image}}\ntraining: {epochs: 1}\n"
    )
    bpcli("train", "t.yaml", "--run-dir", "of_table", "-q", cwd=tmp_path / "copy").ok()
    copy(tmp_path / "copy" / "sides" / "left" / "2.png", tmp_path / "copy" / "sides" / "left" / "1.png")
    found = bpcli("reproduce", "of_table", cwd=tmp_path / "copy")
    assert found.err == (
        "error: t.csv: the table or a picture that it names has changed since the run; restore the original\n"
    )


def test_rows_of_an_inspection_are_files(trained: Path) -> None:
    found = bpcli("inspect", "run", "--neuron", "0.0", cwd=trained).ok()
    header, first, *_ = found.out.split("(as in bpcli trace --row)\n")[1].splitlines()
    assert header.split()[:4] == ["row", "file", "output", "label"]
    row, file, _, label, *_ = first.split()
    names = [f"{side}/{index}.png" for side in ("left", "right") for index in range(20)]
    assert file == sorted(names)[int(row) - 1]
    assert file.startswith(label)
    bpcli("inspect", "run", "--html", "run.html", cwd=trained).ok()
    assert "<span>right/" in (trained / "run.html").read_text()


def test_runs_on_pictures_of_different_sizes_are_compared_on_the_same_rows(trained: Path) -> None:
    settings = ["--set", "data.images.size=8", "--set", "input.shape=[8, 8, 1]", "--set", "training.epochs=20"]
    bpcli("train", "sides.yaml", "--run-dir", "larger", *settings, cwd=trained).ok()
    found = bpcli("compare", "run", "larger", "--json", cwd=trained).ok().json
    assert found["rows"]["count"] == 6
    for run in ("run", "larger"):
        own = bpcli("evaluate", run, "--json", cwd=trained).ok().json
        assert found["scores"][run]["log_loss"] == own["log_loss"]


def test_the_same_picture_in_two_classes_is_named(trained: Path) -> None:
    write(trained / "twice", [f"{side}/{index}.png" for side in ("left", "right") for index in range(8)])
    (trained / "twice" / "right" / "copy.png").write_bytes((trained / "twice" / "left" / "3.png").read_bytes())
    found = bpcli("check", "sides.yaml", "--set", "data.path=twice", cwd=trained).ok()
    assert "such as 'left/3.png' ('left') and 'right/copy.png' ('right'); " in found.err
    assert bpcli("check", "sides.yaml", "--set", "data.path=twice", "--strict", cwd=trained).code == 3
