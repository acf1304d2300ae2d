"""A multilayer perceptron in PyTorch, and an epoch of its training: a plain loop without a DataLoader's overhead."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))


def network(sizes: Sequence[int]) -> nn.Sequential:
    """Dense layers with ReLU in between, which return logits."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def adam(model: nn.Module, learning_rate: float) -> torch.optim.Adam:
    """The fastest Adam that there is."""
    return torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)


def train_epoch(
    model: Callable[[Tensor], Tensor], optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, batch_size: int
) -> float:
    """One pass over the rows in a new order; the mean loss."""
    total = torch.zeros(())
    for rows in torch.randperm(len(x)).split(batch_size):
        optimizer.zero_grad()
        loss = cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(rows)
    return float(total) / len(x)
