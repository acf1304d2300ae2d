"""A whole job in JAX and pandas: `python -m benchmarks.peers.jax_job JOB.json`."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers.frames import load
from benchmarks.peers.jax_network import Parameters, batches, logits, losses, new_state, train_epoch
from benchmarks.peers.jobs import Job


@jax.jit
def mean_loss(params: Parameters, x: jax.Array, y: jax.Array) -> jax.Array:
    return losses(params, x, y).mean()


@jax.jit
def share_right(params: Parameters, x: jax.Array, y: jax.Array) -> jax.Array:
    return (logits(params, x).argmax(axis=1) == y).mean()


def main(path: str) -> None:
    job = Job.load(path)
    fitted, classes, arrays = load(job)
    parts = {name: (jax.device_put(x), jax.device_put(y.astype(np.int32))) for name, (x, y) in arrays.items()}
    x, y = parts["train"]
    generator = np.random.default_rng(job.seed)
    state = new_state([x.shape[1], *job.hidden, len(classes)], job.seed)
    lowest, best = float("inf"), state.params
    for _ in range(job.epochs):
        state, _ = train_epoch(state, x, y, batches(len(x), job.batch_size, generator), job.learning_rate)
        validation_loss = float(mean_loss(state.params, *parts["validation"]))
        if validation_loss < lowest:
            lowest, best = validation_loss, jax.tree.map(jnp.copy, state.params)  # the state itself is given away
    accuracy = float(share_right(best, *parts["test"]))
    saved = {"params": jax.tree.map(np.asarray, best), "preprocessing": fitted, "classes": classes}
    Path(job.output).write_bytes(pickle.dumps(saved))
    print(json.dumps({"accuracy": accuracy, "epochs": job.epochs}))


if __name__ == "__main__":
    main(*sys.argv[1:])
