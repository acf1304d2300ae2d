"""Checkpoints that somebody made or changed on purpose: one line, exit code 4, and no more memory than the file."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import NO_DIGEST, forged, put_together, small_checkpoint, taken_apart, with_digest
from commands import ROOT, bpcli, python

import bpcli as package
from bpcli.errors import CheckpointError, ExitCode, MemoryLimitError
from bpcli.storage.checkpoint import Checkpoint
from bpcli.system import memory

SMALL = small_checkpoint().to_bytes()
RESUMABLE = small_checkpoint(resumable=True).to_bytes()
GOLDEN = ROOT / "tests" / "golden"


def refusal(content: bytes) -> str:
    """Why a file is refused, known to be one line."""
    with pytest.raises(CheckpointError) as caught:
        Checkpoint.from_bytes(content)
    assert str(caught.value).isprintable()
    return str(caught.value)


# Damage, under the old digest


def flipped(content: bytes, bit: int) -> bytes:
    return content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :]


@pytest.mark.parametrize(
    ("content", "step"),
    [(SMALL, 67), *(pytest.param(whole, 1, marks=pytest.mark.exhaustive) for whole in (SMALL, RESUMABLE))],
)
def test_every_single_flipped_bit_is_refused(content: bytes, step: int, record_property: Any):
    cases = range(0, 8 * len(content), step)
    for bit in cases:
        refusal(flipped(content, bit))
    record_property("cases", len(cases))
    assert len(cases) > 20_000 // step


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("content", [SMALL, RESUMABLE])
def test_a_file_cut_off_anywhere_is_refused(content: bytes, step: int, record_property: Any):
    lengths = range(len(content) - 1, -1, -step)
    for length in lengths:
        refusal(content[:length])
    record_property("cases", len(lengths))


def test_a_file_with_anything_before_or_behind_it_is_refused(record_property: Any):
    extras = [*(bytes([byte]) for byte in range(256)), SMALL, b"\0" * 4096, SMALL[:8]]
    for extra in extras:
        refusal(extra + SMALL)
        refusal(SMALL + extra)
    record_property("cases", 2 * len(extras))


# Files whose digest is right, and whose content is wrong

Parts = tuple[dict[str, Any], dict[str, Any], bytes]


def edited(change: Callable[[dict[str, Any], dict[str, Any]], None], data: bytes | None = None) -> bytes:
    """The resumable checkpoint after `change(entries, about)`."""
    entries, about, arrays = taken_apart(RESUMABLE)
    change(entries, about)
    return put_together(entries, about, arrays if data is None else data)


def put(tree: Any, path: str, value: Any) -> None:
    *way, last = (int(key) if key.isdigit() else key for key in path.split("/"))
    for key in way:
        tree = tree[key]
    if value is ...:
        del tree[last]
    else:
        tree[last] = value


NOT_ARRAY = "array 'best.layers.0.bias' is not a floating-point array"
NOT_THERE = "array 'best.layers.0.bias' is not at the offset that the header gives"
PETABYTES = {"dtype": "F32", "shape": [10**15], "data_offsets": [0, 4 * 10**15]}
TWO_HALVES = {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}
ARRAYS: dict[str, tuple[str, Any, str]] = {
    "another type of float": ("dtype", "F16", NOT_ARRAY),
    "integers": ("dtype", "I32", NOT_ARRAY),
    "a type that there is not": ("dtype", "\x1b[31m", NOT_ARRAY),
    "half as many, twice as wide": ("", TWO_HALVES, "of shape (1,) and type float64; the network expects shape (2,)"),
    "a negative size": ("shape", [-2], NOT_ARRAY),
    "no size": ("shape", [0], NOT_ARRAY),
    "a size that is no whole number": ("shape", [2.0], NOT_ARRAY),
    "another shape of the same size": ("shape", [2, 1], "is of shape (2, 1) and type float32; the network expects"),
    "a third axis": ("shape", [2, 1, 1], "is of shape (2, 1, 1) and type float32; the network expects"),
    "petabytes": ("shape", [10**15], NOT_THERE),
    "petabytes that are said to be there": ("", PETABYTES, NOT_THERE),
    "offsets a byte on": ("data_offsets", [1, 9], NOT_THERE),
    "offsets in the wrong order": ("data_offsets", [8, 0], NOT_THERE),
    "offsets before the file": ("data_offsets", [-8, 0], NOT_THERE),
    "one offset": ("data_offsets", [0], NOT_THERE),
    "no offsets": ("data_offsets", ..., NOT_ARRAY),
    "more than there is to say": ("surprise", 1, NOT_ARRAY),
    "no description": ("", None, NOT_ARRAY),
}


@pytest.mark.parametrize(("key", "value", "message"), ARRAYS.values(), ids=ARRAYS)
def test_an_array_that_is_described_wrongly_is_refused(key: str, value: Any, message: str):
    def change(entries: dict[str, Any], about: dict[str, Any]) -> None:
        assert next(iter(entries)) == "best.layers.0.bias"
        tree, last = (entries["best.layers.0.bias"], key) if key else (entries, "best.layers.0.bias")
        put(tree, last, value)

    assert message in refusal(edited(change))


@pytest.mark.parametrize("byte", range(8))
def test_a_header_that_is_said_to_be_longer_than_the_file_is_refused_whatever_the_digest(byte: int):
    length = int.from_bytes(SMALL[:8], "little") | 0xFF << 8 * byte
    zeroed = SMALL.replace(Checkpoint.from_bytes(SMALL).header.sha256.encode(), NO_DIGEST)
    message = refusal(with_digest(length.to_bytes(8, "little") + zeroed[8:]))
    if byte:
        assert message == "cut off, or not a checkpoint: its header is longer than the file"


def test_bytes_that_no_array_accounts_for_are_refused():
    _, _, data = taken_apart(RESUMABLE)
    behind = "it has data after its last array"
    assert refusal(edited(lambda entries, about: None, data + b"\0")) == behind
    assert refusal(edited(lambda entries, about: entries.popitem())) == behind
    assert refusal(edited(lambda entries, about: None, data[:-1])).endswith(
        "is not at the offset that the header gives"
    )
    message = refusal(edited(lambda entries, about: entries.pop("best.layers.0.bias")))
    assert message == "array 'best.layers.0.weight' is not at the offset that the header gives"


HEADERS: dict[str, tuple[str, Any, str]] = {
    "a newer format": ("format", 2, "written in format 2, which this version cannot read; upgrade bpcli"),
    "a far newer format": ("format", int("7" * 4000), "written in format 777777777, which this version cannot read"),
    "a format that is no number": ("format", "1", "format: Input should be 1"),
    "a digest that is no text": ("sha256", ["0"], "damaged: its content does not match its SHA-256"),
    "a digest that cannot be encoded": ("sha256", "\ud800" * 64, "damaged: its content does not match its SHA-256"),
    "no config": ("config", ..., "config: Field required"),
    "a wide network": ("config/layers/0/units", 10**15, "the network expects shape (1, 1000000000000000)"),
    "a network of another depth": (
        "config/layers/0",
        {"type": "dropout", "rate": 0.5},
        "the network expects shape (1, 1) and",
    ),
    "a convolution of a row": (
        "config/layers/0",
        {"type": "conv", "filters": 2},
        "its header is not valid: layers.0: conv takes images or series, not 1 number",
    ),
    "a layer that there is not": ("config/layers/0/type", "\x1b[31m", "config.layers.0: Input tag '\\x1b[31m'"),
    "another loss": ("config/loss", {"type": "mse"}, "the loss does not fit the target"),
    "no loss": ("config/loss", None, "config: Value error, has no loss"),
    "another precision": ("config/dtype", "float64", "the network expects shape (1, 2) and type float64"),
    "another target": ("config/data/target", "u", "the preprocessing does not match the config's columns"),
    "a weight column": ("config/data/weight", "w", "the preprocessing does not match the config's columns"),
    "no path": ("data/paths", [], "there must be a path for each file of the config"),
    "rows of one split alone": ("data/rows", {"train": 3}, "must give the rows of every split"),
    "no rows to train on": ("data/rows/train", 0, "must give the rows of every split"),
    "rows below 0": ("data/rows/test", -1, "data.rows.test: Input should be greater than or equal to 0"),
    "a scale that is not a number": ("preprocessor/inputs/0/encoding/scale", float("nan"), "should be a finite number"),
    "a scale of 0": ("preprocessor/inputs/0/encoding/scale", 0.0, "should be greater than 0"),
    "landmarks that fall": (
        "preprocessor/inputs/0/encoding",
        {"type": "landmarks", "values": [1.0, 1.0], "scores": [0.0, 1.0]},
        "values must be strictly increasing",
    ),
    "landmarks without scores": (
        "preprocessor/inputs/0/encoding",
        {"type": "landmarks", "values": [1.0, 2.0], "scores": [0.0]},
        "with one score for each",
    ),
    "no inputs": ("preprocessor/inputs", [], "preprocessor.inputs: "),
    "an input without features": (
        "preprocessor/inputs",
        [{"type": "one_hot", "name": "x", "indicator": False, "categories": []}],
        "the inputs have no features",
    ),
    "a count for no category": (
        "preprocessor/inputs/0",
        {"type": "one_hot", "name": "x", "indicator": False, "categories": ["a"], "counts": [1, 2]},
        "must have one count for each category",
    ),
    "a name that cannot be written": ("versions", {"\ud800": "1"}, "package names must be printable"),
    "an input that is the target": ("preprocessor/inputs/0/name", "t\u202e", "a column is used twice"),
    "a target of another kind": ("preprocessor/target_kinds", ["numeric"], "target_kinds do not match the target"),
    "a target of two kinds": ("preprocessor/target_kinds", ["categorical", "categorical"], "target_kinds do not match"),
    "one class": ("preprocessor/target/classes", ["no"], "preprocessor.target.classes.classes: "),
    "one class twice": ("preprocessor/target/classes", ["no", "no"], "classes must have different names"),
    "three classes by one logit": ("preprocessor/target/classes", ["a", "b", "c"], "only two can share a logit"),
    "a logit for each of two classes": ("preprocessor/target/single_logit", False, "the loss does not fit"),
    "numbers that fall": ("preprocessor/target/numbers", [1.0, 1.0], "numbers must be strictly increasing"),
    "fewer numbers than classes": ("preprocessor/target/numbers", [1.0], "one for each class"),
    "numbers without an encoding": (
        "preprocessor/target",
        {"type": "numbers", "names": ["t\u202e"], "encodings": []},
        "there must be an encoding for each column",
    ),
    "numbers of names": (
        "preprocessor/target",
        {"type": "numbers", "names": ["t\u202e"], "encodings": [{"type": "affine", "center": 0.0, "scale": 1.0}]},
        "target_kinds do not match the target",
    ),
    "an epoch below 0": ("score/epoch", -1, "score.epoch: "),
    "counters that are none": ("counters", [], "counters: "),
    "counters without a count": (
        "counters/stale",
        ...,
        "counters: Value error, must have exactly the counters of a run",
    ),
    "a count too many": ("counters/surprise", 0, "counters: Value error, must have exactly the counters of a run"),
    "half a step": ("counters/step", 0.5, "counters: Value error, invalid value for step"),
    "a step that is a truth": ("counters/step", True, "invalid value for step"),
    "a step below 0": ("counters/step", -1, "invalid value for step"),
    "an epoch beyond numbers": ("counters/epoch", 2**63, "invalid value for epoch"),
    "a loss that is not a number": ("counters/loss_sum", float("nan"), "invalid value for loss_sum"),
    "a loss that is a whole number": ("counters/loss_sum", 1, "invalid value for loss_sum"),
    "seconds without end": ("counters/seconds", None, "invalid value for seconds"),
    "a weight below 0": ("counters/weight_sum", -1.0, "inconsistent values"),
    "a best epoch without a best value": ("counters/best", None, "inconsistent values"),
    "a best value without an epoch": ("counters/best_epoch", 0, "inconsistent values"),
    "a best epoch to come": ("counters/best_epoch", 10, "inconsistent values"),
    "a reason to stop that there is not": ("counters/stop", "whim", "invalid value for stop"),
    "a plateau that is none": ("counters/plateau", 5, "must have exactly the counters of a run"),
    "a plateau without a factor": ("counters/plateau/factor", None, "invalid value for factor"),
    "steps below 0": ("optimizer_steps", -1, "optimizer_steps: "),
    "steps beyond numbers": ("optimizer_steps", 2**63, "optimizer_steps: "),
    "a product above 1": ("optimizer_product", 1.5, "optimizer_product: "),
    "another optimizer": (
        "config/optimizer",
        {"type": "sgd"},
        "array 'optimizer.m.layers.0.bias' is not",
    ),
    "vectors to go on from, and no counters": (
        "counters",
        None,
        "array 'best.layers.0.bias' is not part",
    ),
    "a key that is unknown": ("\x1b\n", 1, "\\x1b\\n: Extra inputs are not permitted"),
    "a long key": ("k" * 10_000, 1, "kkkkkkkk"),
}


@pytest.mark.parametrize(("path", "value", "message"), HEADERS.values(), ids=HEADERS)
def test_a_header_that_contradicts_itself_is_refused(path: str, value: Any, message: str):
    found = refusal(edited(lambda entries, about: put(about, path, value)))
    assert message in found
    assert len(found) <= len("its header is not valid: ") + 200


def test_a_long_key_is_cut_off_after_200_characters():
    assert refusal(edited(lambda entries, about: put(about, "k" * 300, 1))) == f"its header is not valid: {'k' * 200}"


def test_a_weight_column_that_config_and_preprocessing_agree_on_is_accepted():
    def change(entries: dict[str, Any], about: dict[str, Any]) -> None:
        put(about, "config/data/weight", "how often")
        put(about, "preprocessor/weight", "how often")

    assert Checkpoint.from_bytes(edited(change)).header.config.data.weight == "how often"


def test_what_a_run_itself_would_count_is_accepted():
    for path, value in [("counters/stop", "goal"), ("counters/reference", None), ("counters/epoch", 2**63 - 1)]:
        Checkpoint.from_bytes(edited(lambda entries, about, p=path, v=value: put(about, p, v)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_found_wherever_it_stands(value: float, record_property: Any):
    _, _, data = taken_apart(RESUMABLE)
    for index in range(len(data) // 4):
        numbers = np.frombuffer(data, "<f4").copy()
        numbers[index] = value
        assert refusal(edited(lambda entries, about: None, numbers.tobytes())).endswith("values that are not finite")
    record_property("cases", len(data) // 4)


def test_a_variance_below_0_is_refused_and_one_of_0_is_not():
    def change(value: float) -> Callable[[dict[str, Any], dict[str, Any]], None]:
        return lambda about, tensors: tensors["layers.1.running_variance"].__setitem__(1, value)

    assert refusal(forged(SMALL, change(-1e-9))) == "array layers.1.running_variance holds a value below 0"
    Checkpoint.from_bytes(forged(SMALL, change(0.0)))


def test_a_header_that_is_wrong_in_thousands_of_places_is_refused_in_a_line():
    message = refusal(edited(lambda entries, about: put(about, "config/data/missing", [0] * 1001)))
    assert message == "its header is not valid: 1,001 errors"
    message = refusal(edited(lambda entries, about: put(about, "config/data/missing", [0] * 1000)))
    assert message == "its header is not valid: config.data.missing.0: Input should be a valid string"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1"])
def test_a_header_in_another_encoding_than_utf_8_is_refused(encoding: str):
    head = json.dumps({"__metadata__": {"bpcli": "ü"}}, ensure_ascii=False).encode(encoding)
    assert refusal(struct.pack("<Q", len(head)) + head).startswith("not a checkpoint of bpcli; ")


def test_a_digest_in_capitals_is_not_the_one_that_was_written():
    digest = Checkpoint.from_bytes(SMALL).header.sha256
    assert refusal(SMALL.replace(digest.encode(), digest.upper().encode())).startswith("damaged: ")


# The commands


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run to forge the checkpoints of."""
    folder = tmp_path_factory.mktemp("hostile")
    lines = "".join(f"{row % 7},{'yes' if row % 3 else 'no'}\n" for row in range(40))
    (folder / "d.csv").write_text("x,y\n" + lines)
    (folder / "c.yaml").write_text("data: {path: d.csv, target: y}\nlayers: [{units: 2}]\ntraining: {epochs: 2}\n")
    bpcli("train", folder / "c.yaml", "--run-dir", folder / "run", "-q").ok()
    return folder / "run"


def _nan(about: dict[str, Any], tensors: dict[str, Any]) -> None:
    tensors["layers.0.bias"][0] = np.nan


FORGERIES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "a header longer than the file": lambda content: b"\xff" * 8 + content[8:],
    "one bit": lambda content: flipped(content, 8 * len(content) - 1),
    "not finite": lambda content: forged(content, _nan),
    "newer": lambda content: forged(content, lambda about, tensors: put(about, "format", 2)),
    "wide": lambda content: forged(content, lambda about, tensors: put(about, "config/layers/0/units", 10**15)),
    "another loss": lambda content: forged(content, lambda about, tensors: put(about, "config/loss", "mse")),
    "no scale": lambda content: forged(
        content, lambda about, tensors: put(about, "preprocessor/inputs/0/encoding/scale", 0.0)
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_every_command_refuses_a_forged_checkpoint_in_a_line_with_exit_code_4(
    run: Path, forgery: Callable[[bytes], bytes], record_property: Any
):
    for path, command in [
        (run / "checkpoints/best.safetensors", ("evaluate", run)),
        (run / "checkpoints/best.safetensors", ("predict", run.parent / "d.csv", "--checkpoint", run)),
        (run / "checkpoints/last.safetensors", ("evaluate", run / "checkpoints/last.safetensors")),
        (run / "checkpoints/last.safetensors", ("train", "--resume", run)),
    ]:
        content = path.read_bytes()
        path.write_bytes(forgery(content))
        result = bpcli(*command)
        assert result.code == ExitCode.CHECKPOINT == 4
        assert result.out == ""
        errors = [line for line in result.err.splitlines() if not line.startswith("warning: ")]
        assert len(errors) == 1
        assert errors[0].startswith(f"error: {path}: ")
        assert path.read_bytes() == forgery(content)
        path.write_bytes(content)
    record_property("cases", 4)


def test_training_does_not_go_on_from_a_step_beyond_its_epoch(run: Path):
    last = run / "checkpoints/last.safetensors"
    content = last.read_bytes()
    steps = -(-json.loads((run / "summary.json").read_text())["rows"]["train"] // 32)
    for step, code in [(steps + 1, 4), (steps, 0), (steps - 1, 0)]:

        def change(about: dict[str, Any], tensors: dict[str, Any], step: int = step) -> None:
            about["counters"] |= {"step": step, "weight_sum": 1.0, "epoch": 1, "best_epoch": 1, "stop": None}

        last.write_bytes(forged(content, change))
        result = bpcli("train", "--resume", run, "-q")
        assert result.code == code
        assert code == 0 or "its step is beyond the end of its epoch" in result.err


def test_evaluating_on_data_that_lacks_a_column_of_the_model_names_the_column(run: Path):
    data = run.parent / "d.csv"
    text = data.read_text()
    data.write_text(text.replace("x,y", "z,y"))
    result = bpcli("evaluate", run)
    data.write_text(text)
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith(f"error: {data}: ")
    assert "'x'" in result.err
    assert bpcli("evaluate", run).code == 0


# Memory

MIB = 2**20
CHILD = """
import gc, os, sys
from checkpoints import small_checkpoint
from bpcli.storage.checkpoint import Checkpoint
from bpcli.errors import CheckpointError
from pathlib import Path

def status(field):
    return 1024 * int(Path("/proc/self/status").read_text().split(field + ":")[1].split()[0])

Checkpoint.from_bytes(small_checkpoint(True).to_bytes())  # imports what it needs
for path in sorted(Path(PLACE).iterdir()):
    if child := os.fork():
        if os.waitpid(child, 0)[1]:
            sys.exit(1)
        continue
    Path("/proc/self/clear_refs").write_text("5")  # the peak is that from here on
    before = status("VmRSS")
    try:
        kept = Checkpoint.load(path)
        outcome = "loaded"
    except CheckpointError as error:
        outcome = str(error)
    print(status("VmHWM") - before, outcome, flush=True)
    os._exit(0)
"""


def peaks(contents: Sequence[bytes], folder: Path) -> list[tuple[int, str]]:
    """The memory that a process of its own took to read each file, in bytes, and what came of it."""
    for number, content in enumerate(contents):
        (folder / f"{number}.safetensors").write_bytes(content)
    code = CHILD.replace("PLACE", repr(str(folder)))
    lines = python(code, cwd=ROOT, environment={"PYTHONPATH": f"{ROOT}:{ROOT}/tests"}).splitlines()
    found = [line.split(" ", 1) for line in lines]
    assert len(found) == len(contents) <= 10
    return [(int(taken), outcome) for taken, outcome in found]


def test_reading_takes_no_more_than_the_file_twice_and_64_mib(tmp_path: Path):
    units = 1800
    small = small_checkpoint(resumable=True)
    _, about, _ = taken_apart(small.to_bytes())
    about["config"]["layers"] = [{"units": units}, {"units": units}]
    header = type(small.header).model_validate(about)
    network = Checkpoint(header, {}).network
    vectors = {name: np.zeros(network.layout.size, np.float32) for name in small.vectors if "state" not in name}
    vectors |= {name: np.zeros(0, np.float32) for name in ("state", "best_state")}
    content = Checkpoint(header, vectors).to_bytes()
    assert len(content) > 48 * MIB
    vectors["optimizer.v"][:] = np.nan
    wrong_numbers = Checkpoint(header, vectors).to_bytes()
    wrong_bit = flipped(content, 8 * len(content) - 1)
    found = peaks([content, wrong_numbers, wrong_bit], tmp_path)
    assert [outcome == "loaded" for _, outcome in found] == [True, False, False]
    for taken, _ in found:
        assert taken < 2 * len(content) + 64 * MIB
        assert taken > len(content) / 2  # the measurement measures


HEAVY: dict[str, tuple[str, Any]] = {
    "layers of nothing": ("config/layers", [{}] * 50_000),
    "layers": ("config/layers", ["layer_norm"] * 15_000),
    "words that are none": ("config/data/missing", [0] * 80_000),
    "inputs that are none": ("preprocessor/inputs", [5] * 80_000),
    "versions": ("versions", {str(number): "" for number in range(15_000)}),
    "a network of petabytes": ("config/layers/0/units", 10**15),
}


def test_a_header_does_not_make_more_than_64_mib_of_itself(tmp_path: Path):
    contents = [edited(lambda entries, about, heavy=heavy: put(about, *heavy)) for heavy in HEAVY.values()]
    assert max(map(len, contents)) < 300_000
    for name, content, (taken, _) in zip(HEAVY, contents, peaks(contents, tmp_path), strict=True):
        assert taken < 2 * len(content) + 64 * MIB, name


def test_a_file_or_header_that_could_take_more_memory_than_there_is_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "a.safetensors"
    path.write_bytes(SMALL)
    length = int.from_bytes(SMALL[:8], "little")
    monkeypatch.setattr(memory, "available_memory", lambda: 250 * length - 1)
    with pytest.raises(MemoryLimitError, match=r"^reading the header of a checkpoint needs .* available; free some$"):
        Checkpoint.load(path)
    monkeypatch.setattr(memory, "available_memory", lambda: 250 * length)
    Checkpoint.load(path)
    monkeypatch.setattr(memory, "available_memory", lambda: 2 * len(SMALL) - 1)
    with pytest.raises(MemoryLimitError, match=r"a\.safetensors: reading it needs .* is available; free some$"):
        Checkpoint.load(path)
    monkeypatch.setattr(memory, "available_memory", lambda: 2 * len(SMALL))
    with pytest.raises(MemoryLimitError, match="reading the header of a checkpoint needs"):
        Checkpoint.load(path)


def test_a_model_that_could_not_answer_for_want_of_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With one input, a layer of 100,000 units has 3 numbers in the file for each, and two blocks of 240 in memory."""
    small = small_checkpoint()
    _, about, _ = taken_apart(SMALL)
    about["config"]["layers"] = [{"units": 100_000}]
    header = type(small.header).model_validate(about)
    vectors = {"params": np.zeros(300_001, np.float32), "state": np.zeros(0, np.float32)}
    path = tmp_path / "wide.safetensors"
    Checkpoint(header, vectors).save(path)
    rows = 240 * (2 * 100_000 + 1 + 1)
    monkeypatch.setattr(memory, "available_memory", lambda: 8 * (300_001 + rows) - 1)
    with pytest.raises(MemoryLimitError, match=r"wide\.safetensors: its network needs 386\.4 MB, but .* network$"):
        package.load(path)
    monkeypatch.setattr(memory, "available_memory", lambda: 8 * (300_001 + rows))
    package.load(path)


# What was written once


def test_a_checkpoint_of_version_0_1_0_says_what_it_said_then():
    expected = json.loads((GOLDEN / "checkpoint.json").read_text())
    model = package.load(GOLDEN / "checkpoint.safetensors")
    assert model.header.versions["bpcli"] == "0.1.0"
    assert list(model.classes) == expected["classes"]
    assert model.predict(expected["rows"]).tolist() == expected["predicted"]
    probabilities = model.predict_probabilities(expected["rows"])
    np.testing.assert_allclose(probabilities, np.array(expected["probabilities"], np.float32), rtol=1e-6)
    checkpoint = Checkpoint.load(GOLDEN / "checkpoint.safetensors")
    assert checkpoint.header.counters is not None
    assert (checkpoint.header.counters["epoch"], checkpoint.header.optimizer_steps) == (6, 48)
    names = {"params", "state", "best_params", "best_state", "optimizer.m", "optimizer.v"}
    assert {name for name, vector in checkpoint.vectors.items() if vector.any()} == names
