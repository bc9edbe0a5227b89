"""Writes test/golden/attention.json: what PyTorch makes of causal attention and of small Transformers, with gradients.

    python3 -m venv .venv && .venv/bin/pip install torch==2.13.0 numpy && .venv/bin/python scripts/golden/attention.py

All in float64, from inputs and weights with two decimals; our float32 has to come near. Attention is
torch.nn.functional.scaled_dot_product_attention and torch.nn.MultiheadAttention, a layer torch.nn.TransformerEncoderLayer
under a causal mask (norm_first is `pre`), its norms exchanged for torch.nn.RMSNorm where the norm is `rms`. Arrays are
written as clipbench has them: matrices [in, out].
"""
import json
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(20261124)


def given(*shape, scale=1.0, shift=0.0):
    return torch.tensor(np.round(rng.standard_normal(shape) * scale + shift, 2)).requires_grad_()


def plain(value):
    array = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
    return {"shape": list(array.shape), "values": [float(f"{x:.8g}") for x in np.ravel(array)]}


def outcome(y, tensors):
    """`y` [rows, columns], and the gradients of a weighted sum of it."""
    dy = torch.tensor(np.round(rng.standard_normal(y.shape), 2))
    grads = torch.autograd.grad(y, list(tensors.values()), dy)
    return {
        "params": {name: plain(tensor) for name, tensor in tensors.items()},
        "y": plain(y),
        "dy": plain(dy),
        "grads": {name: plain(g) for name, g in zip(tensors, grads)},
    }


def causal(time):
    return nn.Transformer.generate_square_subsequent_mask(time)


def heads_of(x, heads):
    batch, time, width = x.shape
    return x.reshape(batch, time, heads, width // heads).transpose(1, 2)


# --- attention alone, and with its matrices

attention = []
for batch, time, heads, size, scale in [(2, 5, 3, 4, 1), (1, 1, 2, 3, 1), (3, 4, 1, 2, 1), (2, 9, 2, 8, 6)]:
    width = heads * size
    qkv = given(batch * time, 3 * width, scale=scale)
    q, k, v = (heads_of(part, heads) for part in qkv.reshape(batch, time, 3 * width).split(width, dim=2))
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(batch * time, width)
    attention.append({"batch": batch, "heads": heads, **outcome(y, {"qkv": qkv})})

multihead = []
for batch, time, heads, width in [(2, 6, 4, 8), (3, 3, 1, 5)]:
    tensors = {
        "x": given(batch * time, width),
        "qkv/w": given(width, 3 * width, scale=0.5),
        "qkv/b": given(3 * width),
        "joined/w": given(width, width, scale=0.5),
        "joined/b": given(width),
    }
    module = nn.MultiheadAttention(width, heads, batch_first=True)
    own = {
        "in_proj_weight": tensors["qkv/w"].T,
        "in_proj_bias": tensors["qkv/b"],
        "out_proj.weight": tensors["joined/w"].T,
        "out_proj.bias": tensors["joined/b"],
    }
    x = tensors["x"].reshape(batch, time, width)
    arguments = {"attn_mask": causal(time), "need_weights": False}
    y, _ = torch.func.functional_call(module, own, (x, x, x), arguments)
    multihead.append({"batch": batch, "heads": heads, **outcome(y.reshape(batch * time, width), tensors)})


# --- whole models

def norm_tensors(kind, name, width):
    gain = {f"{name}/gain": given(width, scale=0.3, shift=1)}
    return gain if kind == "rms" else {**gain, f"{name}/bias": given(width, scale=0.3)}


def norm_module(kind, width):
    return nn.RMSNorm(width, eps=1e-5) if kind == "rms" else nn.LayerNorm(width, eps=1e-5)


def dense(name, columns, rows, scale=0.5):
    return {f"{name}/w": given(columns, rows, scale=scale), f"{name}/b": given(rows, scale=0.3)}


ACTIVATIONS = {"gelu": lambda h: F.gelu(h, approximate="tanh"), "relu": torch.relu}


def layer(h, tensors, block, kind, place, heads, activation):
    batch, time, width = h.shape
    hidden = tensors[f"{block}/up/w"].shape[1]
    module = nn.TransformerEncoderLayer(
        width, heads, hidden, dropout=0.0, activation=activation, norm_first=place == "pre", batch_first=True
    )
    module.norm1, module.norm2 = norm_module(kind, width), norm_module(kind, width)
    linear = {"self_attn.out_proj": "joined", "linear1": "up", "linear2": "down"}
    own = {
        "self_attn.in_proj_weight": tensors[f"{block}/qkv/w"].T,
        "self_attn.in_proj_bias": tensors[f"{block}/qkv/b"],
    }
    for theirs, ours in linear.items():
        own[f"{theirs}.weight"] = tensors[f"{block}/{ours}/w"].T
        own[f"{theirs}.bias"] = tensors[f"{block}/{ours}/b"]
    for theirs, ours in {"norm1": "norm0", "norm2": "norm1"}.items():
        own[f"{theirs}.weight"] = tensors[f"{block}/{ours}/gain"]
        if kind != "rms":
            own[f"{theirs}.bias"] = tensors[f"{block}/{ours}/bias"]
    return torch.func.functional_call(module, own, (h,), {"src_mask": causal(time)})


def model(options, shape, batch):
    width, kind, place = options["width"], options["norm"], options["norm_place"]
    time, tokens, each = shape["input"][0], "vocabulary" in shape, "times" in shape
    tensors = {}
    if tokens:
        x = torch.tensor(rng.integers(0, shape["vocabulary"], (batch, time)))
        tensors["embedding"] = given(shape["vocabulary"], width)
    else:
        x = given(batch, *shape["input"])
        tensors |= dense("input", shape["input"][1], width)
    tensors["position_embedding"] = given(time, width)
    for k in range(options["layers"]):
        tensors |= norm_tensors(kind, f"block{k}/norm0", width)
        tensors |= dense(f"block{k}/qkv", width, 3 * width)
        tensors |= dense(f"block{k}/joined", width, width)
        tensors |= norm_tensors(kind, f"block{k}/norm1", width)
        tensors |= dense(f"block{k}/up", width, options["hidden_factor"] * width)
        tensors |= dense(f"block{k}/down", options["hidden_factor"] * width, width)
    if place == "pre":
        tensors |= norm_tensors(kind, "norm", width)
    tensors |= dense("output", width, shape["output"])

    h = F.embedding(x, tensors["embedding"]) if tokens else x @ tensors["input/w"] + tensors["input/b"]
    h = h + tensors["position_embedding"]
    for k in range(options["layers"]):
        h = layer(h, tensors, f"block{k}", kind, place, options["heads"], ACTIVATIONS[options["activation"]])
    if place == "pre":
        own = {"weight": tensors["norm/gain"], **({} if kind == "rms" else {"bias": tensors["norm/bias"]})}
        h = torch.func.functional_call(norm_module(kind, width), own, (h,))
    y = (h if each else h[:, -1]) @ tensors["output/w"] + tensors["output/b"]
    return {"options": options, "shape": shape, "x": plain(x), **outcome(y.reshape(batch, -1), tensors)}


def options(layers, width, heads, hidden_factor, norm, norm_place, activation):
    return locals()


models = [
    model(options(1, 8, 2, 4, "layer", "pre", "gelu"), {"input": [6, 3], "output": 2}, 3),
    model(options(2, 8, 4, 2, "layer", "pre", "gelu"), {"input": [5], "vocabulary": 7, "output": 7, "times": 5}, 3),
    model(options(2, 6, 1, 2, "layer", "post", "relu"), {"input": [4], "vocabulary": 5, "output": 3}, 2),
    model(options(2, 6, 3, 1, "rms", "pre", "gelu"), {"input": [4, 2], "output": 2, "times": 4}, 2),
]

found = {"attention": attention, "multihead": multihead, "models": models}
path = pathlib.Path(__file__).parents[2] / "test" / "golden" / "attention.json"
path.write_text(json.dumps(found, separators=(",", ":")).replace('{"batch"', '\n{"batch"').replace('{"options"', '\n{"options"') + "\n")
