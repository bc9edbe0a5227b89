"""Writes test/golden/optimizers.json: 20 steps of every optimizer on given gradients.

    python3 -m venv .venv && .venv/bin/pip install torch==2.13.0 keras==3.15.1 jax==0.10.2 optax==0.2.8 numpy
    .venv/bin/python scripts/golden/optimizers.py

`torch`, `keras` and `optax` are what these compute in float32, wherever they keep to our conventions; `exact` is our
transcription of the same rules in float64. The conventions (the parts' `reference` says them too):

- sgd, rmsprop, adagrad, adam, adamw, nadam: PyTorch's. The rate multiplies the whole momentum buffer (Keras keeps the rate
  inside it, which differs once the rate changes), and epsilon is added to the root (Keras's RMSprop and Adagrad add it
  inside, its Adam before the correction).
- lion, adafactor, lamb, lars: optax's. For lars that means the rate inside the momentum.

The learning rate is one number, or one for each step, as a schedule would feed it.
"""
import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "jax"

import jax.numpy as jnp
import keras
import numpy as np
import optax
import torch

STEPS = 20
KEPT = [0, 1, 6, 7, 8, 13, 19]  # the steps whose parameters are written
rng = np.random.default_rng(20261122)

# Each tensor keeps to its own order of magnitude but one, which mixes them.
SHAPES = {"w0": [2, 3], "b0": [3], "large": [4], "tiny": [2, 1, 2], "mixed": [5], "scale": [], "dead": [3, 4]}
FACTOR = {"w0": 1, "b0": 0.01, "large": 1e8, "tiny": 1e-10, "scale": 3, "dead": 0.1}


def gradient(name):
    normal = rng.standard_normal(SHAPES[name])
    factor = 10.0 ** rng.integers(-6, 7, SHAPES[name]) if name == "mixed" else FACTOR[name]
    return np.asarray(normal * factor, dtype=np.float32)


params = {name: np.asarray(rng.standard_normal(shape), dtype=np.float32) for name, shape in SHAPES.items()}
grads = [{name: gradient(name) for name in SHAPES} for _ in range(STEPS)]
params["tiny"] *= 0  # what is added must not vanish beside what was there
for name in SHAPES:
    grads[7][name] = np.zeros_like(grads[7][name])  # as of a ReLU that is off
for step in grads:  # an input that is always 0, and a unit that is always off
    step["dead"][1, :] = 0
    step["dead"][:, 2] = 0

WARM_UP = [0.002 * (t + 1) for t in range(10)] + [0.02 - 0.0015 * t for t in range(10)]
ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}

# Optimizer, learning rate, options, and whose implementations do the same.
SETTINGS = [
    ("sgd", 0.1, {"momentum": 0.0, "nesterov": False}, ["torch"]),
    ("sgd", 0.05, {"momentum": 0.9, "nesterov": False}, ["torch"]),
    ("sgd", WARM_UP, {"momentum": 0.5, "nesterov": False}, ["torch"]),
    ("sgd", WARM_UP, {"momentum": 0.9, "nesterov": True}, ["torch"]),
    ("rmsprop", 0.01, {"alpha": 0.99, "epsilon": 1e-8, "momentum": 0.0, "centered": False}, ["torch", "optax"]),
    ("rmsprop", WARM_UP, {"alpha": 0.9, "epsilon": 1e-3, "momentum": 0.9, "centered": False}, ["torch"]),
    ("rmsprop", 0.0001, {"alpha": 0.95, "epsilon": 1e-4, "momentum": 0.9, "centered": True}, ["torch"]),
    ("rmsprop", 0.01, {"alpha": 0.5, "epsilon": 1e-6, "momentum": 0.0, "centered": True}, ["torch"]),
    ("adagrad", 0.1, {"epsilon": 1e-10}, ["torch"]),
    ("adagrad", WARM_UP, {"epsilon": 1e-2}, ["torch"]),
    ("adam", 0.001, ADAM, ["torch", "optax"]),
    ("adam", 0.1, {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3}, ["torch", "optax"]),
    ("adam", WARM_UP, {"beta1": 0.0, "beta2": 0.99, "epsilon": 1e-8}, ["torch", "optax"]),
    ("adamw", 0.001, {**ADAM, "weight_decay": 0.01}, ["torch", "optax"]),
    ("adamw", WARM_UP, {**ADAM, "beta2": 0.95, "weight_decay": 0.3}, ["torch", "optax"]),
    ("nadam", 0.002, {**ADAM, "momentum_decay": 0.004}, ["torch"]),
    ("nadam", WARM_UP, {**ADAM, "beta1": 0.99, "epsilon": 1e-7, "momentum_decay": 1.0}, ["torch", "keras"]),
    ("nadam", 0.1, {**ADAM, "beta1": 0.0, "beta2": 0.9, "momentum_decay": 0.0}, ["torch"]),
    ("lion", 0.001, {"beta1": 0.9, "beta2": 0.99, "weight_decay": 0.001}, ["optax", "keras"]),
    ("lion", WARM_UP, {"beta1": 0.95, "beta2": 0.9, "weight_decay": 0.0}, ["optax", "keras"]),
    ("adafactor", 0.01, {"decay_rate": 0.8, "clipping_threshold": 1.0, "min_scale": 1e-3, "epsilon": 1e-30}, ["optax", "keras"]),
    ("adafactor", WARM_UP, {"decay_rate": 0.5, "clipping_threshold": 0.5, "min_scale": 0.1, "epsilon": 1e-6}, ["keras"]),
    ("lamb", 0.01, {**ADAM, "epsilon": 1e-6, "weight_decay": 0.0}, ["optax", "keras"]),
    ("lamb", WARM_UP, {**ADAM, "beta2": 0.9, "epsilon": 1e-3, "weight_decay": 0.1}, ["optax"]),
    ("lars", 1.0, {"momentum": 0.9, "trust_coefficient": 0.001, "weight_decay": 0.0}, ["optax"]),
    ("lars", WARM_UP, {"momentum": 0.5, "trust_coefficient": 0.1, "weight_decay": 0.1}, ["optax"]),
    ("lars", 0.5, {"momentum": 0.0, "trust_coefficient": 0.02, "weight_decay": 1e-4}, ["optax"]),
]


def rate_at(rate, t):
    return rate[t] if isinstance(rate, list) else rate


def betas(options):
    return options["beta1"], options["beta2"]


def torch_optimizer(name, weights, options):
    optim = torch.optim
    if name == "sgd":
        return optim.SGD(weights, lr=1, momentum=options["momentum"], nesterov=options["nesterov"])
    eps = options["epsilon"]
    if name == "rmsprop":
        rest = {"momentum": options["momentum"], "centered": options["centered"]}
        return optim.RMSprop(weights, lr=1, alpha=options["alpha"], eps=eps, **rest)
    if name == "adagrad":
        return optim.Adagrad(weights, lr=1, eps=eps)
    if name == "adam":
        return optim.Adam(weights, lr=1, betas=betas(options), eps=eps)
    if name == "adamw":
        return optim.AdamW(weights, lr=1, betas=betas(options), eps=eps, weight_decay=options["weight_decay"])
    if name == "nadam":
        return optim.NAdam(weights, lr=1, betas=betas(options), eps=eps, momentum_decay=options["momentum_decay"])
    raise ValueError(name)


def with_torch(name, rate, options):
    weights = {key: torch.nn.Parameter(torch.tensor(value)) for key, value in params.items()}
    made = torch_optimizer(name, list(weights.values()), options)
    for t, step in enumerate(grads):
        made.param_groups[0]["lr"] = rate_at(rate, t)
        for key, weight in weights.items():
            weight.grad = torch.tensor(step[key])
        made.step()
        yield {key: weight.detach().numpy().copy() for key, weight in weights.items()}


def keras_optimizer(name, options):
    optim = keras.optimizers
    if name == "nadam":
        assert options["momentum_decay"] == 1
        return optim.Nadam(1.0, beta_1=options["beta1"], beta_2=options["beta2"], epsilon=options["epsilon"])
    if name == "lion":
        decay = options["weight_decay"] or None
        return optim.Lion(1.0, beta_1=options["beta1"], beta_2=options["beta2"], weight_decay=decay)
    if name == "lamb":
        assert options["weight_decay"] == 0
        return optim.Lamb(1.0, beta_1=options["beta1"], beta_2=options["beta2"], epsilon=options["epsilon"])
    if name == "adafactor":
        # It takes the rate or 1/sqrt(t), whichever is less; ours are less.
        return optim.Adafactor(
            1.0,
            beta_2_decay=-options["decay_rate"],
            epsilon_1=options["epsilon"],
            epsilon_2=options["min_scale"],
            clip_threshold=options["clipping_threshold"],
            relative_step=False,
        )
    raise ValueError(name)


def with_keras(name, rate, options):
    weights = {key: keras.Variable(value, dtype="float32") for key, value in params.items()}
    made = keras_optimizer(name, options)
    for t, step in enumerate(grads):
        made.learning_rate = rate_at(rate, t)
        made.apply([jnp.asarray(step[key]) for key in weights], list(weights.values()))
        found = {key: np.asarray(weight.value) for key, weight in weights.items()}
        # The product of a dead row's mean and a dead column's underflows, and 0 / 0 is NaN.
        yield without(found, "dead") if name == "adafactor" and options["epsilon"] == 1e-30 else found


def optax_optimizer(name, rate, options):
    def schedule(count):
        return jnp.asarray(rate, jnp.float32)[count] if isinstance(rate, list) else rate

    if name == "rmsprop":
        assert options["momentum"] == 0 and not options["centered"]
        return optax.rmsprop(schedule, decay=options["alpha"], eps=options["epsilon"], eps_in_sqrt=False)
    if name in ("adam", "adamw", "lamb"):
        decay = {} if name == "adam" else {"weight_decay": options["weight_decay"]}
        rest = {"b1": options["beta1"], "b2": options["beta2"], "eps": options["epsilon"]}
        return getattr(optax, name)(schedule, **rest, **decay)
    if name == "lion":
        return optax.lion(schedule, options["beta1"], options["beta2"], weight_decay=options["weight_decay"])
    if name == "adafactor":
        assert options["min_scale"] == 1e-3, "optax has this number in its code"
        return optax.adafactor(
            schedule,
            min_dim_size_to_factor=2,
            decay_rate=options["decay_rate"],
            clipping_threshold=options["clipping_threshold"],
            eps=options["epsilon"],
        )
    if name == "lars":
        rest = {"momentum": options["momentum"], "trust_coefficient": options["trust_coefficient"]}
        return optax.lars(schedule, options["weight_decay"], **rest)
    raise ValueError(name)


def with_optax(name, rate, options):
    weights = {key: jnp.asarray(value) for key, value in params.items()}
    made = optax_optimizer(name, rate, options)
    state = made.init(weights)
    for step in grads:
        updates, state = made.update({key: jnp.asarray(value) for key, value in step.items()}, state, weights)
        weights = optax.apply_updates(weights, updates)
        found = {key: np.asarray(value) for key, value in weights.items()}
        # It factors the two longest axes of three, not the last two.
        yield without(found, "tiny") if name == "adafactor" else found


def without(tensors, name):
    return {key: value for key, value in tensors.items() if key != name}


def exactly(name, rate, options):
    weights = {key: value.astype(np.float64) for key, value in params.items()}
    memories = {key: {} for key in weights}
    for t, step in enumerate(grads, 1):
        for key in weights:
            g, w, memory = step[key].astype(np.float64), weights[key], memories[key]
            weights[key] = w - RULES[name](g, w, memory, t, rate_at(rate, t - 1), options)
        yield dict(weights)


def kept(memory, name, factor, fresh):
    """name <- factor * name + fresh, from 0."""
    memory[name] = factor * memory.get(name, 0) + fresh
    return memory[name]


def mean(memory, name, beta, fresh):
    return kept(memory, name, beta, (1 - beta) * fresh)


def norm(x):
    return np.sqrt(np.sum(np.square(x)))


def rms(x):
    return np.sqrt(np.mean(np.square(x)))


def trust_ratio(w, u, coefficient):
    return coefficient * norm(w) / norm(u) if norm(w) > 0 and norm(u) > 0 else 1


def sgd(g, w, memory, t, rate, o):
    buffer = kept(memory, "buffer", o["momentum"], g)
    return rate * (g + o["momentum"] * buffer if o["nesterov"] else buffer)


def rmsprop(g, w, memory, t, rate, o):
    v = mean(memory, "square", o["alpha"], g * g)
    m = mean(memory, "mean", o["alpha"], g)
    root = np.sqrt(np.maximum(v - m * m, 0) if o["centered"] else v)
    return rate * kept(memory, "buffer", o["momentum"], g / (root + o["epsilon"]))


def adagrad(g, w, memory, t, rate, o):
    return rate * g / (np.sqrt(kept(memory, "sum", 1, g * g)) + o["epsilon"])


def adam_direction(g, memory, t, o):
    m = mean(memory, "mean", o["beta1"], g) / (1 - o["beta1"] ** t)
    v = mean(memory, "square", o["beta2"], g * g) / (1 - o["beta2"] ** t)
    return m / (np.sqrt(v) + o["epsilon"])


def adam(g, w, memory, t, rate, o):
    return rate * adam_direction(g, memory, t, o)


def adamw(g, w, memory, t, rate, o):
    return rate * (adam_direction(g, memory, t, o) + o["weight_decay"] * w)


def nadam(g, w, memory, t, rate, o):
    mu, mu_next = (o["beta1"] * (1 - 0.5 * 0.96 ** (s * o["momentum_decay"])) for s in (t, t + 1))
    product = memory["product"] = memory.get("product", 1) * mu
    m = mean(memory, "mean", o["beta1"], g)
    v = mean(memory, "square", o["beta2"], g * g) / (1 - o["beta2"] ** t)
    direction = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
    return rate * direction / (np.sqrt(v) + o["epsilon"])


def lion(g, w, memory, t, rate, o):
    direction = np.sign(o["beta1"] * memory.get("mean", 0) + (1 - o["beta1"]) * g)
    mean(memory, "mean", o["beta2"], g)
    return rate * (direction + o["weight_decay"] * w)


def adafactor(g, w, memory, t, rate, o):
    beta = 1 - t ** -o["decay_rate"]
    square = g * g + o["epsilon"]
    if g.ndim >= 2:
        row = mean(memory, "row", beta, square.mean(-1, keepdims=True))
        v = row * mean(memory, "column", beta, square.mean(-2, keepdims=True)) / row.mean(-2, keepdims=True)
    else:
        v = mean(memory, "square", beta, square)
    u = g / np.sqrt(v)
    return rate * max(o["min_scale"], rms(w)) * u / max(1, rms(u) / o["clipping_threshold"])


def lamb(g, w, memory, t, rate, o):
    u = adam_direction(g, memory, t, o) + o["weight_decay"] * w
    return rate * trust_ratio(w, u, 1) * u


def lars(g, w, memory, t, rate, o):
    u = g + o["weight_decay"] * w
    return kept(memory, "buffer", o["momentum"], rate * trust_ratio(w, u, o["trust_coefficient"]) * u)


RULES = {rule.__name__: rule for rule in (sgd, rmsprop, adagrad, adam, adamw, nadam, lion, adafactor, lamb, lars)}
PEERS = {"torch": with_torch, "keras": with_keras, "optax": with_optax}


def rows(steps, digits):
    found = []
    for step in steps:
        assert all(np.all(np.isfinite(value)) for value in step.values()), step
        found.append({key: [float(f"%.{digits}g" % x) for x in np.ravel(value)] for key, value in step.items()})
    return found


def lines(items):
    return "[\n" + ",\n".join(json.dumps(item, separators=(",", ":")) for item in items) + "\n]"


def chosen(items):
    return [item for t, item in enumerate(items) if t in KEPT]


cases = []
for optimizer, rate, options, peers in SETTINGS:
    head = json.dumps({"optimizer": optimizer, "learning_rate": rate, "options": options})[:-1]
    found = {"exact": chosen(rows(exactly(optimizer, rate, options), 12))}
    for peer in peers:
        found[peer] = chosen(rows(PEERS[peer](optimizer, rate, options), 9))
    cases.append(f"{head}, " + ", ".join(f'"{whose}": {lines(steps)}' for whose, steps in found.items()) + "}")

modules = {"torch": torch, "keras": keras, "optax": optax, "numpy": np}
path = pathlib.Path(__file__).parents[2] / "test" / "golden" / "optimizers.json"
path.write_text(
    "{\n"
    + f'"made_with": {json.dumps({name: module.__version__ for name, module in modules.items()})},\n'
    + f'"shapes": {json.dumps(SHAPES)},\n'
    + f'"params": {json.dumps(rows([params], 9)[0])},\n'
    + f'"grads": {lines(rows(grads, 9))},\n'
    + f'"kept": {json.dumps(KEPT)},\n'
    + '"cases": [\n'
    + ",\n".join(cases)
    + "\n]\n}\n"
)
