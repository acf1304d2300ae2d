"""Write optimizers.json: where PyTorch's optimizers go from one start, for tests/nn/test_optimizers.py.

Run it in an environment of its own: pip install torch numpy; python tests/golden/make_optimizers.py
"""

from __future__ import annotations

import json
from math import sin
from pathlib import Path
from typing import Any

import torch

SIZE = 15
WEIGHTS = 9  # The first of the parameters, to which weight decay applies.
KEPT_STEPS = (1, 2, 10, 100)
START = [sin(1.7 * (i + 1)) * (1.0 + i / 4.0) for i in range(SIZE)]
CURVATURES = [10.0 ** (i % 5 - 3) for i in range(SIZE)]

# Each case: a spec of bpcli, the PyTorch class and options that it should equal, and the learning rate's factor a step.
CASES: list[tuple[dict[str, Any], type[torch.optim.Optimizer], dict[str, Any], float]] = [
    ({"type": "sgd", "learning_rate": 0.05}, torch.optim.SGD, {"lr": 0.05}, 1.0),
    ({"type": "sgd", "learning_rate": 0.05, "momentum": 0.9}, torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}, 0.97),
    (
        {"type": "sgd", "learning_rate": 0.05, "momentum": 0.8, "nesterov": True},
        torch.optim.SGD,
        {"lr": 0.05, "momentum": 0.8, "nesterov": True},
        0.97,
    ),
    ({"type": "rprop"}, torch.optim.Rprop, {"lr": 0.01, "etas": (0.5, 1.2), "step_sizes": (1e-6, 50.0)}, 1.0),
    (
        {
            "type": "rprop",
            "learning_rate": 0.1,
            "increase": 1.5,
            "decrease": 0.3,
            "smallest": 1e-2,
            "largest": 0.2,
        },
        torch.optim.Rprop,
        {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (1e-2, 0.2)},
        1.0,
    ),
    ({"type": "adagrad", "learning_rate": 0.3}, torch.optim.Adagrad, {"lr": 0.3, "eps": 1e-10}, 0.99),
    ({"type": "adagrad", "epsilon": 0.1}, torch.optim.Adagrad, {"lr": 0.01, "eps": 0.1}, 1.0),
    (
        {"type": "rmsprop", "learning_rate": 0.02, "rho": 0.95, "epsilon": 1e-2},
        torch.optim.RMSprop,
        {"lr": 0.02, "alpha": 0.95, "eps": 1e-2},
        0.99,
    ),
    ({"type": "rmsprop"}, torch.optim.RMSprop, {"lr": 0.001, "alpha": 0.9, "eps": 1e-8}, 1.0),
    ({"type": "adadelta"}, torch.optim.Adadelta, {"lr": 1.0, "rho": 0.9, "eps": 1e-6}, 1.0),
    (
        {"type": "adadelta", "learning_rate": 0.5, "rho": 0.8, "epsilon": 1e-2},
        torch.optim.Adadelta,
        {"lr": 0.5, "rho": 0.8, "eps": 1e-2},
        0.99,
    ),
    ({"type": "adam"}, torch.optim.Adam, {"lr": 0.001}, 1.0),
    (
        {"type": "adam", "learning_rate": 0.1, "beta1": 0.8, "beta2": 0.95, "epsilon": 0.1},
        torch.optim.Adam,
        {"lr": 0.1, "betas": (0.8, 0.95), "eps": 0.1},
        0.97,
    ),
    (
        {"type": "adam", "learning_rate": 0.1, "beta2": 0.9, "amsgrad": True},
        torch.optim.Adam,
        {"lr": 0.1, "betas": (0.9, 0.9), "amsgrad": True},
        0.99,
    ),
    ({"type": "adamw"}, torch.optim.AdamW, {"lr": 0.001, "weight_decay": 0.01}, 1.0),
    (
        {"type": "adamw", "learning_rate": 0.1, "weight_decay": 0.5},
        torch.optim.AdamW,
        {"lr": 0.1, "weight_decay": 0.5},
        0.97,
    ),
    ({"type": "nadam"}, torch.optim.NAdam, {"lr": 0.002, "momentum_decay": 0.004}, 1.0),
    (
        {"type": "nadam", "learning_rate": 0.1, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-2, "momentum_decay": 0.1},
        torch.optim.NAdam,
        {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-2, "momentum_decay": 0.1},
        0.97,
    ),
]


def gradient(params: list[float], step: int) -> list[float]:
    """A quadratic's, scaled badly, with a disturbance that makes signs change."""
    return [CURVATURES[i] * params[i] + 0.3 * sin(0.7 * step * (i + 1)) for i in range(SIZE)]


def positions(optimizer: type[torch.optim.Optimizer], options: dict[str, Any], decay: float) -> dict[str, list[float]]:
    """The parameters after each of the kept steps."""
    params = torch.tensor(START, dtype=torch.float64)
    weights, others = params[:WEIGHTS].clone().requires_grad_(), params[WEIGHTS:].clone().requires_grad_()
    groups: list[dict[str, Any]] = [{"params": [weights]}, {"params": [others]}]
    if "weight_decay" in options:
        groups[1]["weight_decay"] = 0.0
    rule = optimizer(groups, foreach=False, **options)
    kept = {}
    for step in range(1, max(KEPT_STEPS) + 1):
        for group in rule.param_groups:
            group["lr"] = options["lr"] * decay ** (step - 1)
        grads = torch.tensor(gradient([*weights.tolist(), *others.tolist()], step), dtype=torch.float64)
        weights.grad, others.grad = grads[:WEIGHTS], grads[WEIGHTS:]
        rule.step()
        if step in KEPT_STEPS:
            kept[str(step)] = [*weights.tolist(), *others.tolist()]
    return kept


def main() -> None:
    """Write the file beside this one."""
    # By default nadam's product of momentum coefficients would be a float32.
    torch.set_default_dtype(torch.float64)
    document = {
        "written_by": f"make_optimizers.py with PyTorch {torch.__version__}, float64",
        "weights": WEIGHTS,
        "start": START,
        "curvatures": CURVATURES,
        "cases": [
            {"spec": spec, "rate_decay": decay, "positions": positions(optimizer, options, decay)}
            for spec, optimizer, options, decay in CASES
        ],
    }
    # A line for each vector, so that a change can be read in a diff.
    text = json.dumps(document).replace('"start"', '\n"start"').replace('"curvatures"', '\n"curvatures"')
    text = text.replace('{"spec"', '\n{"spec"').replace('"positions"', '\n"positions"').replace('], "', '],\n"')
    Path(__file__).with_name("optimizers.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
