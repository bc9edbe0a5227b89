"""Writes test/golden/optimizers.json: 20 steps of torch.optim.SGD and torch.optim.Adam on given gradients.

    python3 -m venv .venv && .venv/bin/pip install torch==2.13.0 numpy && .venv/bin/python scripts/golden/optimizers.py

`torch` is what PyTorch computes in float32, `exact` our transcription of the same rules in float64. The conventions are
PyTorch's: the rate multiplies the whole momentum buffer (Keras keeps the rate inside it, which differs once the rate
changes), dampening is 0, and Adam adds epsilon to the root of the corrected mean square (Keras adds it before).
"""
import json
import pathlib

import numpy as np
import torch

STEPS = 20
rng = np.random.default_rng(20261122)

# Each tensor keeps to its own order of magnitude but one, which mixes them.
SHAPES = {"w0": [2, 3], "b0": [3], "large": [4], "tiny": [2, 1, 2], "mixed": [5], "scale": []}
FACTOR = {"w0": 1, "b0": 0.01, "large": 1e8, "tiny": 1e-10, "scale": 3}


def gradient(name):
    normal = rng.standard_normal(SHAPES[name])
    factor = 10.0 ** rng.integers(-6, 7, SHAPES[name]) if name == "mixed" else FACTOR[name]
    return np.asarray(normal * factor, dtype=np.float32)


params = {name: np.asarray(rng.standard_normal(shape), dtype=np.float32) for name, shape in SHAPES.items()}
grads = [{name: gradient(name) for name in SHAPES} for _ in range(STEPS)]
params["tiny"] *= 0  # what is added must not vanish beside what was there
for name in SHAPES:
    grads[7][name] = np.zeros_like(grads[7][name])  # as of a ReLU that is off

SETTINGS = [
    ("sgd", 0.1, {"momentum": 0.0}),
    ("sgd", 0.05, {"momentum": 0.9}),
    ("sgd", 3.0, {"momentum": 0.5}),
    ("adam", 0.001, {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}),
    ("adam", 0.1, {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3}),
    ("adam", 0.01, {"beta1": 0.0, "beta2": 0.99, "epsilon": 1e-8}),
]


def with_torch(optimizer, rate, options):
    weights = {name: torch.nn.Parameter(torch.tensor(value)) for name, value in params.items()}
    if optimizer == "sgd":
        made = torch.optim.SGD(weights.values(), lr=rate, momentum=options["momentum"])
    else:
        betas = (options["beta1"], options["beta2"])
        made = torch.optim.Adam(weights.values(), lr=rate, betas=betas, eps=options["epsilon"])
    for step in grads:
        for name, weight in weights.items():
            weight.grad = torch.tensor(step[name])
        made.step()
        yield {name: weight.detach().numpy().copy() for name, weight in weights.items()}


def exactly(optimizer, rate, options):
    weights = {name: value.astype(np.float64) for name, value in params.items()}
    first = {name: np.zeros_like(value) for name, value in weights.items()}
    second = {name: np.zeros_like(value) for name, value in weights.items()}
    for t, step in enumerate(grads, 1):
        for name in weights:
            g = step[name].astype(np.float64)
            if optimizer == "sgd":
                first[name] = options["momentum"] * first[name] + g
                change = first[name]
            else:
                beta1, beta2 = options["beta1"], options["beta2"]
                first[name] = beta1 * first[name] + (1 - beta1) * g
                second[name] = beta2 * second[name] + (1 - beta2) * g * g
                root = np.sqrt(second[name] / (1 - beta2**t))
                change = first[name] / (1 - beta1**t) / (root + options["epsilon"])
            weights[name] = weights[name] - rate * change
        yield dict(weights)


def rows(steps, digits):
    return [{name: [float(f"%.{digits}g" % x) for x in np.ravel(value)] for name, value in step.items()} for step in steps]


def lines(items):
    return "[\n" + ",\n".join(json.dumps(item, separators=(",", ":")) for item in items) + "\n]"


cases = []
for optimizer, rate, options in SETTINGS:
    head = json.dumps({"optimizer": optimizer, "learning_rate": rate, "options": options})[:-1]
    single, double = rows(with_torch(optimizer, rate, options), 9), rows(exactly(optimizer, rate, options), 12)
    cases.append(f'{head}, "torch": {lines(single)}, "exact": {lines(double)}}}')

path = pathlib.Path(__file__).parents[2] / "test" / "golden" / "optimizers.json"
path.write_text(
    "{\n"
    + f'"made_with": {json.dumps({"torch": torch.__version__, "numpy": np.__version__})},\n'
    + f'"shapes": {json.dumps(SHAPES)},\n'
    + f'"params": {json.dumps(rows([params], 9)[0])},\n'
    + f'"grads": {lines(rows(grads, 9))},\n'
    + '"cases": [\n'
    + ",\n".join(cases)
    + "\n]\n}\n"
)
