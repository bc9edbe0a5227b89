"""Writes test/golden/layers.json: what PyTorch makes of norm layers, weight norm and convolutional networks, with gradients.

    python3 -m venv .venv && .venv/bin/pip install torch==2.13.0 numpy && .venv/bin/python scripts/golden/layers.py

All in float64, from inputs and weights with two decimals; our float32 has to come near. Layers are those of torch.nn where
it has them; scaled weight standardization and the norm-free network are transcribed from Brock, De & Smith 2021 and Brock et
al. 2021. Arrays are written as clipbench has them: channels last, kernels [height, width, in, out].
"""
import json
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(20261123)


def given(*shape, scale=1.0, shift=0.0):
    return torch.tensor(np.round(rng.standard_normal(shape) * scale + shift, 2)).requires_grad_()


def plain(value):
    array = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
    return {"shape": list(array.shape), "values": [float(f"{x:.8g}") for x in np.ravel(array)]}


def all_plain(tensors):
    return {name: plain(tensor) for name, tensor in tensors.items()}


def first(x):  # channels last -> channels first
    return x if x.dim() == 2 else x.movedim(-1, 1)


def last(x):
    return x if x.dim() == 2 else x.movedim(1, -1)


def gradients(y, dy, tensors):
    found = torch.autograd.grad(y, list(tensors.values()), dy, allow_unused=True)
    return {name: g for name, g in zip(tensors, found) if g is not None}


# --- norm layers

def groups_of(width):
    return max(n for n in range(1, 9) if n == 1 or (width % n == 0 and width > n))


def norm_module(kind, width):
    return {
        "batch": lambda: nn.BatchNorm1d(width, eps=1e-5, momentum=0.1),
        "layer": lambda: nn.LayerNorm(width, eps=1e-5),
        "rms": lambda: nn.RMSNorm(width, eps=1e-5),
        "group": lambda: nn.GroupNorm(groups_of(width), width, eps=1e-5),
    }[kind]()


def run_norm(kind, module, x):
    if kind in ("layer", "rms"):
        return module(x)
    if kind == "batch" and x.dim() == 4:
        return module(x.reshape(-1, x.shape[-1])).reshape(x.shape)
    return last(module(first(x)))


norms = []
for kind in ("batch", "layer", "rms", "group"):
    for shape in ([5, 9], [3, 4, 12], [2, 3, 2, 6]):
        module = norm_module(kind, shape[-1])
        with torch.no_grad():
            module.weight.copy_(given(shape[-1], scale=0.5, shift=1))
            if kind != "rms":
                module.bias.copy_(given(shape[-1]))
        params = {"norm/gain": module.weight, **({} if kind == "rms" else {"norm/bias": module.bias})}
        steps = []
        # Two steps of training, then evaluation: that differs for batch norm only.
        for training in (True, True, False):
            module.train(training)
            x, dy = given(*shape, scale=2, shift=0.5), given(*shape)
            y = run_norm(kind, module, x)
            grads = gradients(y, dy, {"x": x, **params})
            state = {"norm/mean": module.running_mean, "norm/variance": module.running_var} if kind == "batch" else {}
            steps.append({"training": training, **all_plain({"x": x, "dy": dy, "y": y}), "grads": all_plain(grads), "state": all_plain(state)})
        norms.append({"kind": kind, "params": all_plain(params), "steps": steps})

# --- weights

weight_norms = []
for shape in ([5, 3], [3, 3, 2, 4]):
    v, g, dw = given(*shape), given(shape[-1], shift=1), given(*shape)
    units = list(range(len(shape)))[::-1]  # PyTorch has the units first
    layer = nn.Linear(shape[0], shape[-1]) if len(shape) == 2 else nn.Conv2d(shape[2], shape[3], shape[0])
    layer = nn.utils.parametrizations.weight_norm(layer, dim=0)
    with torch.no_grad():
        layer.parametrizations.weight.original0.copy_(g.reshape(-1, *[1] * (len(shape) - 1)))
        layer.parametrizations.weight.original1.copy_(v.permute(units))
    start = v.pow(2).sum(dim=list(range(len(shape) - 1))).sqrt()
    w = layer.weight.permute(units)
    own = {"length": layer.parametrizations.weight.original0, "v": layer.parametrizations.weight.original1}
    grads = gradients(w, dw, own)
    grads = {"w": grads["v"].permute(units), "w/length": grads["length"].flatten()}
    weight_norms.append({"params": all_plain({"w": v, "w/length": g}), **all_plain({"start": start, "dy": dw, "y": w}), "grads": all_plain(grads)})


def standardized(w, gain):
    fan_in = w[..., 0].numel()
    axes = list(range(w.dim() - 1))
    variance = w.var(dim=axes, unbiased=False, keepdim=True)
    scale = torch.clamp(variance * fan_in, min=1e-4) ** -0.5 * gain
    return (w - w.mean(dim=axes, keepdim=True)) * scale


standardizations = []
for shape in ([5, 3], [3, 3, 2, 4]):
    w, gain, dw = given(*shape, scale=0.3), given(shape[-1], shift=1), given(*shape)
    with torch.no_grad():
        w[..., 1] = 0.25  # a unit of equal weights
    y = standardized(w, gain)
    tensors = {"w": w, "w/length": gain}
    standardizations.append({"params": all_plain(tensors), **all_plain({"dy": dw, "y": y}), "grads": all_plain(gradients(y, dw, tensors))})

# --- networks


def same(x, kernel, stride=1):
    """Padded as TensorFlow does: an odd row or column of zeros goes below or right."""
    pads = []
    for size in (x.shape[2], x.shape[1]):
        total = max((-(-size // stride) - 1) * stride + kernel.shape[0] - size, 0)
        pads += [total // 2, total - total // 2]
    return last(F.conv2d(F.pad(first(x), pads), kernel.permute(3, 2, 0, 1), stride=stride))


def normed(kind, name, h, p, state):
    if kind == "none":
        return h
    gain, bias = p[f"{name}/gain"], p.get(f"{name}/bias")
    if kind == "batch":
        mean, variance = torch.zeros_like(gain), torch.ones_like(gain)
        y = last(F.batch_norm(first(h), mean, variance, gain, bias, training=True, momentum=0.1, eps=1e-5))
        state.update({f"{name}/mean": mean, f"{name}/variance": variance})
        return y
    if kind == "group":
        return last(F.group_norm(first(h), groups_of(h.shape[-1]), gain, bias, eps=1e-5))
    if kind == "rms":
        return F.rms_norm(h, [h.shape[-1]], gain, eps=1e-5)
    return F.layer_norm(h, [h.shape[-1]], gain, bias, eps=1e-5)


def norm_params(kind, name, width):
    if kind == "none":
        return {}
    gain = {f"{name}/gain": given(width, scale=0.3, shift=1)}
    return gain if kind == "rms" else {**gain, f"{name}/bias": given(width, scale=0.3)}


ADDS_BIAS = ("batch", "layer", "group")
activations = {"relu": F.relu, "tanh": torch.tanh, "gelu": lambda h: F.gelu(h, approximate="tanh")}


def weight_of(norm, p, name):
    if norm != "weight":
        return p[name]
    v = p[name]
    return p[f"{name}/length"] * v / v.pow(2).sum(dim=list(range(v.dim() - 1)), keepdim=True).sqrt()


def weight_params(norm, name, *shape, scale=0.5):
    w = {name: given(*shape, scale=scale)}
    return {**w, f"{name}/length": given(shape[-1], scale=0.3, shift=1)} if norm == "weight" else w


def mlp(options, shape, output):
    hidden, norm, activation = options["hidden"], options["norm"], activations[options["activation"]]
    kind = "none" if norm == "weight" else norm
    p, widths = {}, [int(np.prod(shape)), *hidden]
    for i, (a, b) in enumerate(zip(widths, hidden)):
        p |= weight_params(norm, f"w{i}", a, b)
        p |= {} if kind in ADDS_BIAS else {f"b{i}": given(b, scale=0.3)}
        p |= norm_params(kind, f"norm{i}", b)
    n = len(hidden)
    p |= {f"w{n}": given(hidden[-1], output), f"b{n}": given(output)}

    def run(x, state):
        h = x.flatten(1)
        for i in range(n):
            h = h @ weight_of(norm, p, f"w{i}") + p.get(f"b{i}", 0)
            h = activation(normed(kind, f"norm{i}", h, p, state))
        return h @ p[f"w{n}"] + p[f"b{n}"]

    return p, run


def cnn(options, shape, output):
    channels, k, norm, activation = options["channels"], options["kernel"], options["norm"], activations[options["activation"]]
    kind = "none" if norm == "weight" else norm
    p, (rows, columns, a) = {}, shape
    for i, b in enumerate(channels):
        p |= weight_params(norm, f"k{i}", k, k, a, b)
        p |= {} if kind in ADDS_BIAS else {f"b{i}": given(b, scale=0.3)}
        p |= norm_params(kind, f"norm{i}", b)
        rows, columns, a = rows // 2, columns // 2, b
    p |= {"v": given(rows * columns * a, output), "c": given(output)}

    def run(x, state):
        h = x
        for i in range(len(channels)):
            h = same(h, weight_of(norm, p, f"k{i}")) + p.get(f"b{i}", 0)
            h = last(F.max_pool2d(first(activation(normed(kind, f"norm{i}", h, p, state))), 2))
        return h.flatten(1) @ p["v"] + p["c"]

    return p, run


def scaled(name, h):
    """The activation over its standard deviation on a standard normal, by quadrature."""
    z = torch.linspace(-12, 12, 400_001)
    density = torch.exp(-z * z / 2)
    density /= density.sum()
    a = activations[name](z)
    mean = (a * density).sum()
    return activations[name](h) / ((a - mean) ** 2 * density).sum().sqrt()


def resnet(options, shape, output):
    channels, per_stage, norm, activation = options["channels"], options["blocks"], options["norm"], options["activation"]
    free = norm == "none"
    p = {}

    def add(name, k, a, b):
        p[name] = given(k, k, a, b, scale=0.5)
        p.update({f"{name}/length": given(b, scale=0.3, shift=1)} if free else {})
        p.update({} if norm in ADDS_BIAS else {f"{name}/bias": given(b, scale=0.3)})

    add("stem", 3, shape[2], channels[0])
    blocks, a, expected = [], channels[0], 1.0
    for stage, b in enumerate(channels):
        for i in range(per_stage):
            name, stride = f"stage{stage}/block{i}", 2 if stage > 0 and i == 0 else 1
            changes = stride > 1 or a != b
            blocks.append((name, stride, changes, expected))
            p |= norm_params(norm, f"{name}/norm0", a)
            if changes:
                add(f"{name}/projection", 1, a, b)
            add(f"{name}/k0", 3, a, b)
            p |= norm_params(norm, f"{name}/norm1", b)
            add(f"{name}/k1", 3, b, b)
            if free:
                p[f"{name}/skip"] = given(shift=1)
            if changes:
                expected = 1.0
            expected = (expected**2 + 0.2**2) ** 0.5
            a = b
    p |= norm_params(norm, "norm", a)
    p |= {"v": given(a, output), "c": given(output)}

    def run(x, state):
        def conv(name, h, stride=1):
            kernel = standardized(p[name], p[f"{name}/length"]) if free else p[name]
            return same(h, kernel, stride) + p.get(f"{name}/bias", 0)

        def act(name, h):
            return scaled(activation, h) if free else activations[activation](normed(norm, name, h, p, state))

        h = conv("stem", x)
        for name, stride, changes, expected in blocks:
            n = act(f"{name}/norm0", h / expected if free else h)
            shortcut = conv(f"{name}/projection", n, stride) if changes else h
            f = conv(f"{name}/k1", act(f"{name}/norm1", conv(f"{name}/k0", n, stride)))
            h = shortcut + (0.2 * p[f"{name}/skip"] * f if free else f)
        return act("norm", h).mean(dim=(1, 2)) @ p["v"] + p["c"]

    return p, run


MODELS = [
    (mlp, {"hidden": [4, 3], "activation": "gelu", "norm": norm}, [5], 2) for norm in ("none", "batch", "layer", "rms", "weight")
] + [
    (cnn, {"channels": [4, 3], "kernel": 3, "activation": "relu", "norm": norm}, [5, 6, 2], 2)
    for norm in ("none", "batch", "layer", "group", "weight")
] + [
    (resnet, {"channels": [3, 4], "blocks": 2, "activation": activation, "norm": norm}, [6, 5, 2], 2)
    for norm, activation in (("none", "relu"), ("none", "gelu"), ("batch", "relu"), ("group", "relu"))
] + [
    # Over few channels a variance may be near 0, and float32 far off.
    (resnet, {"channels": [8, 9], "blocks": 2, "activation": "relu", "norm": norm}, [6, 5, 2], 2) for norm in ("layer", "rms")
] + [(cnn, {"channels": [4, 3], "kernel": 3, "activation": "relu", "norm": "rms"}, [5, 6, 2], 2)]

models = []
for build, options, shape, output in MODELS:
    params, run = build(options, shape, output)
    x, dy, state = given(4, *shape), given(4, output), {}
    y = run(x, state)
    models.append({
        "model": build.__name__,
        "options": options,
        "params": all_plain(params),
        **all_plain({"x": x, "dy": dy, "y": y}),
        "grads": all_plain(gradients(y, dy, params)),
        "state": all_plain(state),
    })


def lines(cases):
    return "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]"


path = pathlib.Path(__file__).parents[2] / "test" / "golden" / "layers.json"
groups = {"norms": norms, "weight_norms": weight_norms, "standardizations": standardizations, "models": models}
path.write_text(
    "{\n"
    + f'"made_with": {json.dumps({"torch": torch.__version__, "numpy": np.__version__})},\n'
    + ",\n".join(f'"{name}": {lines(cases)}' for name, cases in groups.items())
    + "\n}\n"
)
