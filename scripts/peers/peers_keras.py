"""Keras on TensorFlow: compile() and train_on_batch(), which gives no norms."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, losses, ops, optimizers


class Transformer(keras.Model):
    def __init__(self, params):
        super().__init__()
        self.p = {
            name: self.add_weight(shape=array.shape, name=name.replace("/", "_"))
            for name, array in params.items()
        }
        self.set_weights(list(params.values()))

    def dense(self, x, name):
        return x @ self.p[f"{name}/w"] + self.p[f"{name}/b"]

    def norm(self, x, name):
        x = x - ops.mean(x, axis=-1, keepdims=True)
        x = x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + 1e-5)
        return x * self.p[f"{name}/gain"] + self.p[f"{name}/bias"]

    def call(self, x):
        p = self.p
        mask = np.tril(np.ones((1, 1, 64, 64), bool))
        h = ops.take(p["embedding"], x, axis=0) + p["position_embedding"]
        for block in ("block0", "block1"):
            qkv = self.dense(self.norm(h, f"{block}/norm0"), f"{block}/qkv")
            q, k, v = (ops.reshape(a, (-1, 64, 4, 32)) for a in ops.split(qkv, 3, axis=-1))
            a = ops.dot_product_attention(q, k, v, mask=mask)
            h = h + self.dense(ops.reshape(a, (-1, 64, 128)), f"{block}/joined")
            up = ops.gelu(self.dense(self.norm(h, f"{block}/norm1"), f"{block}/up"), approximate=True)
            h = h + self.dense(up, f"{block}/down")
        return self.dense(self.norm(h, "norm"), "output")


class Adam(optimizers.Adam):
    """With epsilon added after the bias correction, as in the other systems."""

    def update_step(self, gradient, variable, learning_rate):
        step = ops.cast(self.iterations + 1, "float32")
        self.epsilon = 1e-8 * ops.sqrt(1 - self.beta_2**step)
        super().update_step(gradient, variable, learning_rate)


def zrn(gates):
    """Keras has the gates of a GRU in another order."""
    r, z, n = np.split(gates, 3, axis=-1)
    return np.concatenate((z, r, n), axis=-1)


def model_of(work):
    p = work.params
    weights = list(p.values())
    match work.name:
        case "transformer":
            return Transformer(p)
        case "rnn":
            stack = [layers.SimpleRNN(64, unroll=True), layers.Dense(10)]
        case "lstm":
            stack = [layers.LSTM(128, unit_forget_bias=False, unroll=True), layers.Dense(10)]
        case "gru":
            stack = [layers.GRU(128, reset_after=True), layers.Dense(10)]
            biases = np.stack((zrn(p["b0"]), zrn(p["bu0"])))
            weights = [zrn(p["w0"]), zrn(p["u0"]), biases, p["v"], p["c"]]
        case "cnn":
            stack = [
                layers.Conv2D(32, 3, padding="same", activation="relu"),
                layers.MaxPooling2D(),
                layers.Conv2D(64, 3, padding="same", activation="relu"),
                layers.MaxPooling2D(),
                layers.Flatten(),
                layers.Dense(10),
            ]
        case _:
            *hidden, out = [array.size for name, array in p.items() if name[0] == "b"]
            stack = [layers.Dense(n, activation="relu") for n in hidden] + [layers.Dense(out)]
    model = keras.Sequential([keras.Input(work.x.shape[2:]), *stack])
    model.set_weights(weights)
    return model


def build(work, system):
    if work.optimizer is None:
        raise ValueError("not applicable")
    clip = dict(global_clipnorm=work.max_norm)
    if work.optimizer == "sgd":
        optimizer = optimizers.SGD(work.learning_rate, **clip)
    else:
        optimizer = Adam(work.learning_rate, **clip)
    model = model_of(work)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    # XLA is faster only for the GRU, whose loop over time it compiles.
    model.compile(optimizer, loss, jit_compile=work.name == "gru")
    batches = list(zip(tf.unstack(tf.constant(work.x)), tf.unstack(tf.constant(work.labels))))

    def step(t):
        return float(model.train_on_batch(*batches[t % len(batches)])), None

    return step, 1
