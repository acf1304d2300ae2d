"""A checkpoint comes back as it was written, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import forged, small_checkpoint, with_digest
from commands import ROOT, python
from safetensors.numpy import load, save

from bpcli.errors import CheckpointError, ExitCode, FileAccessError
from bpcli.storage.checkpoint import Checkpoint

SMALL = small_checkpoint().to_bytes()


@pytest.mark.parametrize("resumable", [False, True])
def test_what_is_loaded_equals_what_was_saved(tmp_path: Path, resumable: bool):
    saved = small_checkpoint(resumable)
    saved.save(tmp_path / "a.safetensors")
    loaded = Checkpoint.load(tmp_path / "a.safetensors")
    assert loaded.header.model_copy(update={"sha256": saved.header.sha256}) == saved.header
    assert loaded.vectors.keys() == saved.vectors.keys()
    for name, vector in saved.vectors.items():
        assert loaded.vectors[name].dtype == np.float32
        np.testing.assert_array_equal(loaded.vectors[name], vector)


def test_arrays_have_the_names_of_their_layers():
    dense = [f"layers.{index}.{name}" for index in (0, 2) for name in ("weight", "bias")]
    trained = [*dense, "layers.1.scale", "layers.1.shift"]
    everything = [*trained, "layers.1.running_mean", "layers.1.running_variance"]
    assert sorted(load(SMALL)) == sorted(everything)
    assert sorted(load(small_checkpoint(resumable=True).to_bytes())) == sorted(
        [*everything, *(f"best.{name}" for name in everything)]
        + [f"optimizer.{slot}.{name}" for slot in "mv" for name in trained]
    )


@pytest.mark.parametrize("seed", [pytest.param("0", marks=pytest.mark.exhaustive), "4242"])
def test_the_bytes_are_the_same_in_every_process(seed: str):
    program = (
        "from hashlib import sha256; from checkpoints import small_checkpoint as small\n"
        "print(sha256(small(True).to_bytes()).hexdigest())"
    )
    environment = {"PYTHONPATH": str(ROOT / "tests"), "PYTHONHASHSEED": seed}
    content = small_checkpoint(resumable=True).to_bytes()
    assert python(program, cwd=ROOT, environment=environment).strip() == _digest(content)


def _digest(content: bytes) -> str:
    from hashlib import sha256

    return sha256(content).hexdigest()


def test_the_digest_covers_the_whole_file():
    header = Checkpoint.from_bytes(SMALL).header
    assert _digest(SMALL.replace(header.sha256.encode(), b"0" * 64)) == header.sha256


def _flipped(position: int) -> bytes:
    damaged = bytearray(SMALL)
    damaged[position // 8] ^= 1 << position % 8
    return bytes(damaged)


def _assert_refused(content: bytes) -> None:
    with pytest.raises(CheckpointError) as caught:
        Checkpoint.from_bytes(content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"species,island\nAdelie,Biscoe\n", id="text"),
        pytest.param(save({"a": np.zeros(3)}), id="safetensors without metadata"),
        pytest.param(save({"a": np.zeros(3)}, metadata={"format": "pt"}), id="safetensors of others"),
        pytest.param(save({"a": np.zeros(3)}, metadata={"bpcli": "[]"}), id="metadata that is no mapping"),
        pytest.param(save({"a": np.zeros(3)}, metadata={"bpcli": "{"}), id="metadata that is not valid JSON"),
        pytest.param(save({"a": np.zeros(3)}, metadata={"bpcli": '{"sha256": 5}'}), id="a digest that is none"),
        pytest.param(save({"a": np.zeros(3)}, metadata={"bpcli": '{"sha256": ""}'}), id="an empty digest"),
        pytest.param(b"\xff" * 8 + b"{}", id="a header longer than anything"),
        pytest.param(b"\x02" + b"\0" * 7 + b"[]", id="a header that is a list"),
        pytest.param((20_000).to_bytes(8, "little") + b"[" * 20_000, id="a deep header"),
        pytest.param((5_000).to_bytes(8, "little") + b"1" * 5_000, id="a long number"),
    ],
)
def test_another_kind_of_file_is_refused(content: bytes):
    _assert_refused(content)


def _forged_error(change: Callable[[dict[str, Any], dict[str, Any]], None]) -> str:
    with pytest.raises(CheckpointError) as caught:
        Checkpoint.from_bytes(forged(small_checkpoint(resumable=True).to_bytes(), change))
    return str(caught.value)


def test_a_forgery_without_change_is_accepted():
    content = small_checkpoint(resumable=True).to_bytes()
    Checkpoint.from_bytes(forged(content, lambda header, tensors: None))


def test_a_newer_format_asks_for_a_newer_version():
    message = _forged_error(lambda header, tensors: header.update(format=2, surprise=True))
    assert message == "written in format 2, which this version cannot read; upgrade bpcli"


def test_a_header_with_a_wrong_value_is_refused_by_its_place():
    message = _forged_error(lambda header, tensors: header["config"].update(seed=-1))
    assert message == "its header is not valid: config.seed: Input should be greater than or equal to 0"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["layers.0.weight", "best.layers.1.running_variance", "optimizer.v.layers.2.bias"])
def test_values_that_are_not_finite_are_refused(name: str, value: float):
    def change(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        tensors[name] = np.full_like(tensors[name], value)

    assert _forged_error(change) == f"array {name} holds values that are not finite"


def test_a_swapped_shape_is_refused():
    def change(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        tensors["layers.0.weight"] = tensors["layers.0.weight"].reshape(2, 1)

    assert _forged_error(change) == (
        "array layers.0.weight is of shape (2, 1) and type float32; the network expects shape (1, 2) and type float32"
    )


def test_another_precision_than_the_configs_is_refused():
    def change(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        tensors.update({name: tensor.astype(np.float64) for name, tensor in tensors.items()})

    assert _forged_error(change).endswith(
        "is of shape (1, 2) and type float64; the network expects shape (1, 2) and type float32"
    )


@pytest.mark.parametrize(
    "name", ["layers.0.weight", "layers.1.running_mean", "best.layers.2.bias", "optimizer.m.layers.0.bias"]
)
def test_a_missing_array_is_named(name: str):
    assert _forged_error(lambda header, tensors: tensors.pop(name)).startswith(f"array {name} is missing; ")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("layers.3.weight", "array 'layers.3.weight' is not part of the network"),
        ("wei\x1brd", "array 'wei\\x1brd' is not part of the network"),
        ("best.x", "array 'best.x' is not part of the network"),
        (
            "optimizer.\x1b.layers.0.bias",
            "array 'optimizer.\\x1b.layers.0.bias' is not part of the network",
        ),
    ],
)
def test_an_array_too_many_is_refused(name: str, message: str):
    assert _forged_error(lambda header, tensors: tensors.update({name: np.zeros(3, np.float32)})) == message


def test_a_network_larger_than_the_file_is_refused_without_taking_its_memory():
    message = _forged_error(lambda header, tensors: header["config"]["layers"][0].update(units=10**15))
    assert "the network expects shape (1, 1000000000000000)" in message


def test_a_header_without_a_loss_is_refused():
    message = _forged_error(lambda header, tensors: header["config"].update(loss=None))
    assert message == "its header is not valid: config: Value error, has no loss"


def test_user_text_that_looks_like_a_digest_changes_nothing(tmp_path: Path):
    saved = small_checkpoint()
    config = saved.header.config.model_copy(update={"name": "0" * 64})
    checkpoint = Checkpoint(saved.header.model_copy(update={"config": config}), saved.vectors)
    assert Checkpoint.from_bytes(checkpoint.to_bytes()).header.config.name == "0" * 64


def test_arrays_that_are_not_contiguous_are_saved_as_they_are():
    saved = small_checkpoint()
    twice = np.repeat(saved.vectors["params"], 2)
    checkpoint = Checkpoint(saved.header, {**saved.vectors, "params": twice[::2]})
    assert checkpoint.to_bytes() == SMALL


def test_the_header_can_be_read_by_any_safetensors_reader():
    length = int.from_bytes(SMALL[:8], "little")
    header = json.loads(json.loads(SMALL[8 : 8 + length])["__metadata__"]["bpcli"])
    assert header["format"] == 1
    assert header["config"]["data"]["target"] == "t\u202e"
    assert header["preprocessor"]["target"]["classes"] == ["no", "yes"]


def test_a_file_that_is_not_there_or_is_a_folder_is_no_checkpoint(tmp_path: Path):
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(CheckpointError, match=f"^{path}: no such checkpoint$") as caught:
            Checkpoint.load(path)
        assert caught.value.exit_code == ExitCode.CHECKPOINT == 4


def test_a_damaged_file_is_named(tmp_path: Path):
    path = tmp_path / "a\x1b.safetensors"
    path.write_bytes(_flipped(8 * len(SMALL) - 8))
    with pytest.raises(CheckpointError) as caught:
        Checkpoint.load(path)
    assert str(caught.value) == (
        f"{tmp_path}/a\\x1b.safetensors: damaged: its content does not match its SHA-256; restore it from a copy"
    )


def test_a_file_that_the_system_will_not_read_is_an_io_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a").write_bytes(SMALL)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(FileAccessError, match="a: cannot read: Permission denied"):
        Checkpoint.load(tmp_path / "a")


def test_two_digests_in_one_file_are_refused():
    def change(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        header["versions"]["bpcli"] = "0" * 64

    content = forged(SMALL, change)
    digest = Checkpoint.from_bytes(content).header.sha256
    _assert_refused(with_digest(content.replace(b"0" * 64, digest.encode())))
