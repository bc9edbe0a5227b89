"""JAX with optax: one jitted step per call, or a lax.scan over 20 of them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax, nn

# The loops over time below are as they are fastest here. The RNN's is unrolled, with
# one product for all times ahead of it. The LSTM's and the GRU's are not: unrolling
# slows them down, and so does taking their products with x out of the loop.

jax.config.update("jax_cpu_enable_async_dispatch", False)  # every step is read anyway


def mlp(p, x):
    last = len(p) // 2 - 1
    for i in range(last):
        x = nn.relu(x @ p[f"w{i}"] + p[f"b{i}"])
    return x @ p[f"w{last}"] + p[f"b{last}"]


def rnn(p, x):
    def cell(h, from_x):
        return jnp.tanh(from_x + h @ p["u0"]), None

    h = jnp.zeros((len(x), p["u0"].shape[0]))
    from_x = x.swapaxes(0, 1) @ p["w0"] + p["b0"]
    h, _ = lax.scan(cell, h, from_x, unroll=len(from_x))
    return h @ p["v"] + p["c"]


def lstm(p, x):
    def cell(state, x):
        h, c = state
        i, f, g, o = jnp.split(x @ p["w0"] + h @ p["u0"] + p["b0"], 4, axis=1)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
        return (nn.sigmoid(o) * jnp.tanh(c), c), None

    zero = jnp.zeros((len(x), p["u0"].shape[0]))
    (h, _), _ = lax.scan(cell, (zero, zero), x.swapaxes(0, 1))
    return h @ p["v"] + p["c"]


def gru(p, x):
    def cell(h, x):
        xr, xz, xn = jnp.split(x @ p["w0"] + p["b0"], 3, axis=1)
        hr, hz, hn = jnp.split(h @ p["u0"] + p["bu0"], 3, axis=1)
        r, z = nn.sigmoid(xr + hr), nn.sigmoid(xz + hz)
        n = jnp.tanh(xn + r * hn)
        return (1 - z) * n + z * h, None

    h = jnp.zeros((len(x), p["u0"].shape[0]))
    h, _ = lax.scan(cell, h, x.swapaxes(0, 1))
    return h @ p["v"] + p["c"]


def conv(x, k, b):
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, k, (1, 1), "SAME", dimension_numbers=layout) + b


def pool(x):  # the gradient of lax.reduce_window is slow on the CPU
    x = jnp.maximum(x[:, 0::2], x[:, 1::2])
    return jnp.maximum(x[:, :, 0::2], x[:, :, 1::2])


def cnn(p, x):
    x = pool(nn.relu(conv(x, p["k0"], p["b0"])))
    x = pool(nn.relu(conv(x, p["k1"], p["b1"])))
    return x.reshape(len(x), -1) @ p["v"] + p["c"]


def transformer(p, x):
    batch, time = x.shape

    def dense(name, h):
        return h @ p[f"{name}/w"] + p[f"{name}/b"]

    def norm(name, h):
        return nn.standardize(h, epsilon=1e-5) * p[f"{name}/gain"] + p[f"{name}/bias"]

    h = p["embedding"][x] + p["position_embedding"]
    for block in ("block0", "block1"):
        qkv = dense(f"{block}/qkv", norm(f"{block}/norm0", h))
        q, k, v = (a.reshape(batch, time, 4, 32) for a in jnp.split(qkv, 3, axis=-1))
        a = nn.dot_product_attention(q, k, v, is_causal=True)
        h += dense(f"{block}/joined", a.reshape(h.shape))
        up = dense(f"{block}/up", norm(f"{block}/norm1", h))
        h += dense(f"{block}/down", nn.gelu(up, approximate=True))
    return dense("output", norm("norm", h))


MODELS = dict(rnn=rnn, lstm=lstm, gru=gru, cnn=cnn, transformer=transformer)


def train_step(work):
    """step(state, batch) and the first state."""
    model = MODELS.get(work.name, mlp)
    update = optax.sgd if work.optimizer == "sgd" else optax.adam
    optimizer = optax.chain(optax.clip_by_global_norm(work.max_norm), update(work.learning_rate))

    def loss_of(params, x, labels):
        logits = model(params, x)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    def step(state, batch):
        params, opt_state = state
        loss, grads = jax.value_and_grad(loss_of)(params, *batch)
        updates, opt_state = optimizer.update(grads, opt_state, params)
        params = optax.apply_updates(params, updates)
        return (params, opt_state), jnp.stack((loss, optax.global_norm(grads)))

    params = jax.tree.map(jnp.array, work.params)
    return step, (params, optimizer.init(params))


def clip_step(work):
    """step(grads, limit) and the first gradients."""

    def by_value(grads, limit):
        grads, _ = optax.clip(limit).update(grads, None)
        return grads, grads["g9"][0, 0]

    def by_norm(grads, limit):
        grads = jax.tree.map(lambda g: g * jnp.minimum(1, limit / jnp.linalg.norm(g)), grads)
        return grads, grads["g9"][0, 0]

    def by_global_norm(grads, limit):
        norm = optax.global_norm(grads)
        grads, _ = optax.clip_by_global_norm(limit).update(grads, None)
        return grads, norm

    clip = dict(clip_value=by_value, clip_norm=by_norm, clip_global_norm=by_global_norm)[work.name]

    def step(grads, limit):
        grads, read = clip(grads, limit)
        return grads, jnp.stack((0.0, read))

    return step, jax.tree.map(jnp.array, work.params)


def build(work, system):
    clipping = work.optimizer is None
    step, state = clip_step(work) if clipping else train_step(work)

    if system == "jax-jit":
        run = jax.jit(step, donate_argnums=0)
        if not clipping:
            batches = list(zip(jnp.array(work.x), jnp.array(work.labels)))

        def call(t):
            nonlocal state
            state, read = run(state, np.float32(work.threshold(t)) if clipping else batches[t % 20])
            return np.asarray(read).tolist()

        return call, 1

    # XLA's convolutions are slow inside a loop (20 times), so the cnn's is unrolled.
    unroll = 20 if work.name == "cnn" else 1
    run = jax.jit(lambda state, xs: lax.scan(step, state, xs, unroll=unroll), donate_argnums=0)
    if not clipping:
        batches = jnp.array(work.x), jnp.array(work.labels)

    def call(t):
        nonlocal state
        limits = [work.threshold(s) for s in range(t, t + 20)] if clipping else None
        state, read = run(state, np.array(limits, np.float32) if clipping else batches)
        return np.asarray(read).T.tolist()

    return call, 20
