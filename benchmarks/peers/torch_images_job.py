"""A whole job on images in PyTorch: `python -m benchmarks.peers.torch_images_job CONFIG.yaml MODEL.pt`.

The script reads what it needs of the config of bpcli: data, layers, optimizer, epochs, batch size, `shift` and `mixup`.
"""

from __future__ import annotations

import json
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import nn


def split(y: Any, shares: dict[str, float], seed: int) -> dict[str, Any]:
    """Places of the rows of each part, in the same shares of each class."""
    generator = np.random.default_rng(seed)
    parts: dict[str, list[Any]] = {"train": [], **{name: [] for name in shares}}
    for label in np.unique(y):
        places = generator.permutation(np.flatnonzero(y == label))
        for name, share in shares.items():
            count = round(share * np.count_nonzero(y == label))
            parts[name].append(places[:count])
            places = places[count:]
        parts["train"].append(places)
    return {name: generator.permutation(np.concatenate(places)) for name, places in parts.items()}


def network(layers: list[dict[str, Any]], classes: int) -> nn.Sequential:
    """Layers of the config, of which these jobs have four kinds."""
    made: list[nn.Module] = []
    flat = False
    for layer in layers:
        kind = layer.get("type", "dense")
        if kind == "conv":
            made += [nn.LazyConv2d(layer["filters"], layer["kernel"], padding="same"), nn.ReLU()]
        elif kind == "max_pool":
            made.append(nn.MaxPool2d(layer["size"]))
        elif kind == "dropout":
            made.append(nn.Dropout(layer["rate"]))
        elif kind == "dense":
            made += [*([] if flat else [nn.Flatten()]), nn.LazyLinear(layer["units"]), nn.ReLU()]
            flat = True
        else:
            raise ValueError(f"no layer of type {kind} here")
    return nn.Sequential(*made, *([] if flat else [nn.Flatten()]), nn.LazyLinear(classes))


def shifted(images: Any, most: int) -> Any:
    """Images (rows, channels, height, width), each shifted along both axes, with its edge repeated."""
    count, _, height, width = images.shape
    padded = nn.functional.pad(images, (most, most, most, most), mode="replicate")
    lines = torch.randint(0, 2 * most + 1, (count, 1)) + torch.arange(height)
    columns = torch.randint(0, 2 * most + 1, (count, 1)) + torch.arange(width)
    rows = torch.arange(count)[:, None, None]
    return padded[rows, :, lines[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


def main(path: str, output: str) -> None:
    config = yaml.safe_load(Path(path).read_text())
    data, training = config["data"], config["training"]
    torch.manual_seed(0)
    with np.load(Path(path).parent / data["path"]) as arrays:
        held = dict(arrays)
    if "X" in held:
        x, y = held["X"], held["y"]
        rows = split(y, data["split"], seed=0)
    else:
        x, y = (np.concatenate([held[f"{name}_train"], held[f"{name}_test"]]) for name in ("X", "y"))
        count = len(held["y_train"])
        rows = split(y[:count], data["split"], seed=0) | {"test": np.arange(count, len(y))}
    height, width, channels = config["input"]["shape"]
    x = x.reshape(len(x), height, width, channels).astype(np.float32).transpose(0, 3, 1, 2)
    mean, deviation = x[rows["train"]].mean(), x[rows["train"]].std()
    images = {name: torch.from_numpy((x[places] - mean) / deviation) for name, places in rows.items()}
    targets = {name: torch.from_numpy(y[places].astype(np.int64)) for name, places in rows.items()}
    count, size, epochs = len(rows["train"]), training["batch_size"], training["epochs"]

    model = network(config["layers"], len(np.unique(y)))
    model(images["train"][:1])
    optimizer = torch.optim.Adam(model.parameters(), config["optimizer"]["learning_rate"], fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * -(-count // size))
    given = config.get("loss")
    loss = nn.CrossEntropyLoss(label_smoothing=given["label_smoothing"] if isinstance(given, dict) else 0.0)
    shift, mixup = (config.get("augment", {}).get(name, 0) for name in ("shift", "mixup"))
    one_hot = nn.functional.one_hot(targets["train"], len(np.unique(y))).float()

    def scores(part: str) -> tuple[float, float]:
        model.eval()
        with torch.no_grad():
            logits = model(images[part])
            accuracy = (logits.argmax(dim=1) == targets[part]).float().mean()
            return float(accuracy), float(nn.functional.cross_entropy(logits, targets[part]))

    highest, best = -float("inf"), deepcopy(model.state_dict())
    for _ in range(epochs):
        model.train()
        for places in torch.randperm(count).split(size):
            optimizer.zero_grad()
            batch, wanted = images["train"][places], one_hot[places]
            if mixup:
                share = torch.distributions.Beta(mixup, mixup).sample((len(places), 1))
                batch = torch.lerp(batch.flip(0), batch, share[:, :, None, None])
                wanted = torch.lerp(wanted.flip(0), wanted, share)
            loss(model(shifted(batch, shift) if shift else batch), wanted).backward()
            optimizer.step()
            schedule.step()
        if len(images["validation"]):
            _, log_loss = scores("validation")
            if -log_loss > highest:
                highest, best = -log_loss, deepcopy(model.state_dict())
    model.load_state_dict(best if len(images["validation"]) else model.state_dict())
    accuracy, _ = scores("test")
    torch.save({"model": model.state_dict(), "mean": mean, "deviation": deviation}, output)
    print(json.dumps({"accuracy": accuracy, "epochs": epochs}))


if __name__ == "__main__":
    main(*sys.argv[1:])
