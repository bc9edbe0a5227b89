"""Writes test/golden/recurrent.json: outputs and gradients of torch.nn.RNN, LSTM and GRU for the models rnn, lstm and gru.

    python3 -m venv .venv && .venv/bin/pip install torch==2.13.0 numpy && .venv/bin/python scripts/golden/recurrent.py

Everything starts as float32 and is computed in float64. Names, shapes and order are those of clipbench's parameters: PyTorch's
weights transposed, and for rnn and lstm the sum of its two biases as one. The loss is the sum of the outputs, each times a given
weight. For omega the regularizer of Pascanu, Mikolov & Bengio 2013 is written as their eq. 9 and left to automatic
differentiation, with states and gradients held constant.
"""
import json
import pathlib

import numpy as np
import torch

BATCH, TIME, FEATURES, VOCABULARY, EMBEDDING, OUTPUT = 3, 6, 2, 5, 4, 3
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
rng = np.random.default_rng(20261122)

SETTINGS = [
    ("rnn", {"hidden": [5, 4]}, False),
    ("rnn", {"hidden": [5], "activation": "relu"}, False),
    ("rnn", {"hidden": [4, 5], "norm": "layer"}, True),
    ("rnn", {"hidden": [4], "activation": "relu"}, True),
    ("lstm", {"hidden": [5, 4]}, False),
    ("lstm", {"hidden": [4, 5], "norm": "layer"}, True),
    ("lstm", {"hidden": [5]}, True),
    ("gru", {"hidden": [5, 4]}, False),
    ("gru", {"hidden": [4, 5], "norm": "layer"}, True),
    ("gru", {"hidden": [5]}, True),
    # Weights so large and so small that gradients explode and vanish.
    ("rnn", {"hidden": [5, 4], "omega": 1}, False),
    ("rnn", {"hidden": [5], "activation": "relu", "omega": 0.5}, True),
    ("rnn", {"hidden": [4], "omega": 4}, True),
]


def drawn(*shape, scale=0.5):
    return torch.tensor((scale * rng.standard_normal(shape)).astype(np.float32)).double()


def fresh(model, options, tokens):
    params = {"embedding": drawn(VOCABULARY, EMBEDDING)} if tokens else {}
    width = EMBEDDING if tokens else FEATURES
    gates = GATES[model]
    for k, to in enumerate(options["hidden"]):
        params[f"w{k}"] = drawn(width, gates * to)
        params[f"u{k}"] = drawn(to, gates * to)
        params[f"b{k}"] = drawn(gates * to)
        if model == "gru":
            params[f"bu{k}"] = drawn(gates * to)
        if options.get("norm") == "layer":
            params[f"norm{k}/gain"] = drawn(to)
            params[f"norm{k}/bias"] = drawn(to)
        width = to
    params["v"] = drawn(width, OUTPUT)
    params["c"] = drawn(OUTPUT)
    return {name: value.requires_grad_() for name, value in params.items()}


def layer_of(model, options, params, k, h):
    """States [batch, time, width] of one layer of torch.nn, called with our parameters in place of its own."""
    kind = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[model]
    extra = {"nonlinearity": options.get("activation", "tanh")} if model == "rnn" else {}
    layer = kind(h.shape[2], options["hidden"][k], batch_first=True, **extra).double()
    own = {
        "weight_ih_l0": params[f"w{k}"].T,
        "weight_hh_l0": params[f"u{k}"].T,
        "bias_ih_l0": params[f"b{k}"],
        "bias_hh_l0": params.get(f"bu{k}", torch.zeros_like(params[f"b{k}"])),
    }
    states, _ = torch.func.functional_call(layer, own, h)
    return states


def outputs(model, options, tokens, params, x):
    h = torch.nn.functional.embedding(x.long(), params["embedding"]) if tokens else x
    for k, width in enumerate(options["hidden"]):
        h = layer_of(model, options, params, k, h)
        if options.get("norm") == "layer":
            h = torch.nn.functional.layer_norm(h, [width], params[f"norm{k}/gain"], params[f"norm{k}/bias"])
    return ((h if tokens else h[:, -1]) @ params["v"] + params["c"]).flatten(1)


def omega_gradients(options, tokens, params, x, weights):
    """The gradient of Omega by each U. One step after the other, since torch.nn doesn't give what the activation is taken of."""
    activation = {"tanh": torch.tanh, "relu": torch.relu}[options.get("activation", "tanh")]
    z = []
    h = list((torch.nn.functional.embedding(x.long(), params["embedding"]) if tokens else x).unbind(1))
    for k in range(len(options["hidden"])):
        before, z_k = torch.zeros(BATCH, options["hidden"][k]).double(), []
        for t in range(TIME):
            z_k.append(h[t] @ params[f"w{k}"] + before @ params[f"u{k}"] + params[f"b{k}"])
            before = h[t] = activation(z_k[t])
        z.append(z_k)
    if tokens:
        y = torch.cat([state @ params["v"] + params["c"] for state in h], 1)
    else:
        y = h[-1] @ params["v"] + params["c"]
    result = {}
    for k, z_k in enumerate(z):
        dz = torch.autograd.grad((y * weights).sum(), z_k, retain_graph=True)
        u = params[f"u{k}"].detach().clone().requires_grad_()
        omega = torch.zeros(()).double()
        for t in range(TIME - 1):
            point = z_k[t].detach().requires_grad_()
            (slope,) = torch.autograd.grad(activation(point).sum(), point)
            back = (dz[t + 1] @ u.T) * slope
            there = (dz[t + 1].norm(dim=1) > 0) & (back.detach().norm(dim=1) > 0)
            omega = omega + ((back[there].norm(dim=1) / dz[t + 1][there].norm(dim=1) - 1) ** 2).sum() / BATCH
        (result[f"u{k}"],) = torch.autograd.grad(omega, u)
    return result


def listed(tensors, digits):
    return {
        name: [list(value.shape), [float(f"%.{digits}g" % x) for x in value.detach().flatten().tolist()]]
        for name, value in tensors.items()
    }


cases = []
for model, options, tokens in SETTINGS:
    params = fresh(model, options, tokens)
    if "omega" in options:
        with torch.no_grad():
            params["u0"] *= 2
    x = torch.tensor(rng.integers(0, VOCABULARY, (BATCH, TIME))).double() if tokens else drawn(BATCH, TIME, FEATURES, scale=1)
    weights = drawn(BATCH, (TIME if tokens else 1) * OUTPUT, scale=1)
    y = outputs(model, options, tokens, params, x)
    gradients = dict(zip(params, torch.autograd.grad((y * weights).sum(), list(params.values()))))
    if "omega" in options:
        for name, value in omega_gradients(options, tokens, params, x, weights).items():
            gradients[name] = gradients[name] + options["omega"] * value
    shape = {"input": [TIME], "vocabulary": VOCABULARY, "output": OUTPUT, "times": TIME} if tokens else {"input": [TIME, FEATURES], "output": OUTPUT}
    given = {"params": listed(params, 9), **listed({"x": x, "weights": weights}, 9)}
    wanted = {**listed({"y": y}, 12), "gradients": listed(gradients, 12)}
    cases.append({"model": model, "options": options, "shape": shape, **given, **wanted})

path = pathlib.Path(__file__).parents[2] / "test" / "golden" / "recurrent.json"
rows = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
made_with = json.dumps({"torch": torch.__version__, "numpy": np.__version__})
path.write_text(f'{{\n"made_with": {made_with},\n"cases": [\n{rows}\n]\n}}\n')
