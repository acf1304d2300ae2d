"""A whole job in PyTorch and pandas: `python -m benchmarks.peers.torch_job JOB.json`."""

from __future__ import annotations

import json
import sys
from copy import deepcopy

import torch
from torch.nn.functional import cross_entropy

from benchmarks.peers.frames import load
from benchmarks.peers.jobs import Job
from benchmarks.peers.torch_network import adam, network, train_epoch


def main(path: str) -> None:
    job = Job.load(path)
    torch.manual_seed(job.seed)
    fitted, classes, arrays = load(job)
    parts = {name: (torch.from_numpy(x), torch.from_numpy(y)) for name, (x, y) in arrays.items()}
    x, y = parts["train"]
    model = network([x.shape[1], *job.hidden, len(classes)])
    optimizer = adam(model, job.learning_rate)
    lowest, best = float("inf"), deepcopy(model.state_dict())
    for _ in range(job.epochs):
        train_epoch(model, optimizer, x, y, job.batch_size)
        with torch.no_grad():
            validation_loss = float(cross_entropy(model(parts["validation"][0]), parts["validation"][1]))
        if validation_loss < lowest:
            lowest, best = validation_loss, deepcopy(model.state_dict())
    model.load_state_dict(best)
    with torch.no_grad():
        accuracy = float((model(parts["test"][0]).argmax(dim=1) == parts["test"][1]).float().mean())
    torch.save({"model": best, "preprocessing": fitted, "classes": classes}, job.output)
    print(json.dumps({"accuracy": accuracy, "epochs": job.epochs}))


if __name__ == "__main__":
    main(*sys.argv[1:])
