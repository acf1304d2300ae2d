"""A checkpoint small enough to damage in every way, and the means to forge one."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.preprocess import Preprocessor
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.header import DataFingerprint, Header, Score
from bpcli.training.state import Counters

NO_DIGEST = b"0" * 64


def small_checkpoint(resumable: bool = False) -> Checkpoint:
    """One numeric input, a hidden layer of 2 neurons, batch_norm, and a yes-or-no target."""
    config = ExperimentConfig.model_validate(
        {
            "name": "small",
            "data": {"path": "small.csv", "target": "t\u202e"},
            "layers": [{"units": 2}, {"type": "batch_norm"}],
            "loss": "binary_cross_entropy",
        }
    )
    encoding = {"type": "affine", "center": 0.1, "scale": 3.0}
    preprocessor = Preprocessor.model_validate(
        {
            "inputs": [
                {
                    "type": "numeric",
                    "name": "x",
                    "indicator": False,
                    "fill": 0.1,
                    "encoder": "standard",
                    "encoding": encoding,
                }
            ],
            "target": {"type": "classes", "name": "t\u202e", "classes": ["no", "yes"], "single_logit": True},
            "target_kinds": ["categorical"],
        }
    )
    header = Header(
        config=config,
        preprocessor=preprocessor,
        data=DataFingerprint(sha256="f" * 64, paths=("/small.csv",), rows={"train": 3, "validation": 1, "test": 0}),
        score=Score(monitor="validation_loss", value=0.25, epoch=7),
        counters=Counters(epoch=9, best=0.25, best_epoch=7).to_json() if resumable else None,
        versions={"bpcli": "0.1.0"},
    )
    sizes = {"params": 11, "state": 4}
    if resumable:
        sizes |= {"best_params": 11, "best_state": 4, "optimizer.m": 11, "optimizer.v": 11}
    numbers = np.arange(sum(sizes.values()), dtype=np.float32) / 7
    parts = np.split(numbers, np.cumsum(list(sizes.values()))[:-1])
    return Checkpoint(header, dict(zip(sizes, parts, strict=True)))


def forged(content: bytes, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> bytes:
    """The file after `change(header, tensors)`, with the digest that belongs to it."""
    _, about, _ = taken_apart(content)
    tensors = load(content)
    change(about, tensors)
    return with_digest(save(tensors, metadata={"bpcli": json.dumps(about)}))


def taken_apart(content: bytes) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """What the file says of each array, our own header without its digest, and the arrays' bytes."""
    (length,) = struct.unpack("<Q", content[:8])
    entries = json.loads(content[8 : 8 + length])
    about = json.loads(entries.pop("__metadata__")["bpcli"])
    return entries, {**about, "sha256": NO_DIGEST.decode()}, content[8 + length :]


def put_together(entries: Any, about: Any, data: bytes, finish: Callable[[str], str] = str) -> bytes:
    """The file of such parts, whatever they are, with the digest that belongs to it; `finish` has our header's JSON."""
    metadata = {"__metadata__": {"bpcli": finish(json.dumps(about))}}
    head = finish(json.dumps({**metadata, **entries} if isinstance(entries, dict) else entries)).encode()
    return with_digest(struct.pack("<Q", len(head)) + head + data)


def with_digest(content: bytes) -> bytes:
    """The file with its first 64 zeros replaced by its SHA-256."""
    return content.replace(NO_DIGEST, hashlib.sha256(content).hexdigest().encode(), 1)
