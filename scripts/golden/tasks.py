"""Writes test/golden/tasks.json: quantiles of Student's t by scipy, and cross-entropy over the times of a sequence with its
gradient by torch.

    python3 -m venv .venv && .venv/bin/pip install scipy torch && .venv/bin/python scripts/golden/tasks.py
"""
import json
import pathlib

import scipy
import torch
from scipy import stats

PROBABILITIES = [0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999]

student_t = [
    {
        "degrees_of_freedom": degrees,
        "quantiles": [{"p": p, "t": float(stats.t.ppf(p, degrees))} for p in PROBABILITIES],
    }
    for degrees in (1, 1.5, 2, 4, 1000)
]

# 3 examples, 4 times, 5 classes; the loss of an example is the mean over its times, the gradient that of the mean over examples.
generator = torch.Generator().manual_seed(20240601)
y = (3 * torch.randn(3, 4, 5, generator=generator)).requires_grad_()
target = torch.randint(5, (3, 4), generator=generator)
loss = torch.nn.functional.cross_entropy(y.transpose(1, 2), target, reduction="none").mean(1)
loss.mean().backward()
sequence = {
    "y": y.detach().reshape(3, -1).tolist(),
    "target": target.tolist(),
    "loss": loss.tolist(),
    "gradient": y.grad.reshape(3, -1).tolist(),
}

golden = {
    "made_with": {"scipy": scipy.__version__, "torch": torch.__version__},
    "student_t": student_t,
    "sequence": sequence,
}
path = pathlib.Path(__file__).parents[2] / "test" / "golden" / "tasks.json"
lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in golden.items())
path.write_text("{\n" + lines + "\n}\n")
