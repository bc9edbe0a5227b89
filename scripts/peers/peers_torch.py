"""PyTorch: eager, and with torch.compile over the whole step."""

import torch
from torch import nn
from torch.func import functional_call, grad_and_value
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_, clip_grad_value_, get_total_norm

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


@torch.no_grad()
def fill(parameter, array):
    parameter.copy_(torch.from_numpy(array.copy()))


def dense(w, b):
    layer = nn.Linear(*w.shape)
    fill(layer.weight, w.T)
    fill(layer.bias, b)
    return layer


def dense_of(p, name):
    return dense(p[f"{name}/w"], p[f"{name}/b"])


def norm_of(p, name):
    gain, bias = p[f"{name}/gain"], p[f"{name}/bias"]
    layer = nn.LayerNorm(len(gain), eps=1e-5)
    fill(layer.weight, gain)
    fill(layer.bias, bias)
    return layer


def mlp(p):
    layers = []
    for i in range(len(p) // 2):
        layers += [dense(p[f"w{i}"], p[f"b{i}"]), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Recurrent(nn.Module):
    def __init__(self, kind, w0, u0, b0, v, c, bu0=None):
        super().__init__()
        self.cell = kind(w0.shape[0], u0.shape[0], batch_first=True)
        fill(self.cell.weight_ih_l0, w0.T)
        fill(self.cell.weight_hh_l0, u0.T)
        fill(self.cell.bias_ih_l0, b0)
        if bu0 is None:  # one bias is enough, so the second is zero and stays so
            self.cell.bias_hh_l0.requires_grad_(False).zero_()
        else:
            fill(self.cell.bias_hh_l0, bu0)
        self.out = dense(v, c)

    def forward(self, x):
        states, _ = self.cell(x)
        return self.out(states[:, -1])


class Loop(nn.Module):
    """RNN or GRU as a loop over time, which torch.compile unrolls."""

    def __init__(self, cell, **p):
        super().__init__()
        self.cell = cell
        for name, array in p.items():
            self.register_parameter(name, nn.Parameter(torch.from_numpy(array)))

    def forward(self, x):
        batch, time, _ = x.shape
        h = x.new_zeros(batch, len(self.u0))
        x = x.transpose(0, 1).flatten(0, 1)  # one product for all times
        for from_x in (x @ self.w0 + self.b0).view(time, batch, -1).unbind():
            h = self.cell(self, from_x, h)
        return torch.addmm(self.c, h, self.v)


def rnn_cell(p, from_x, h):
    return torch.tanh(torch.addmm(from_x, h, p.u0))


def gru_cell(p, from_x, h):
    xr, xz, xn = from_x.chunk(3, 1)
    hr, hz, hn = torch.addmm(p.bu0, h, p.u0).chunk(3, 1)
    r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
    n = torch.tanh(xn + r * hn)
    return (1 - z) * n + z * h


class CNN(nn.Module):
    def __init__(self, k0, b0, k1, b1, v, c):
        super().__init__()
        self.conv0 = nn.Conv2d(1, 32, 3, padding=1)
        self.conv1 = nn.Conv2d(32, 64, 3, padding=1)
        for conv, k, b in ((self.conv0, k0, b0), (self.conv1, k1, b1)):
            fill(conv.weight, k.transpose(3, 2, 0, 1))
            fill(conv.bias, b)
        self.out = dense(v, c)
        self.to(memory_format=torch.channels_last)

    def forward(self, x):  # relu after the pool: the same function, at a quarter of the size
        x = F.relu(F.max_pool2d(self.conv0(x), 2))
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        return self.out(x.permute(0, 2, 3, 1).flatten(1))


class Block(nn.Module):
    def __init__(self, p, name):
        super().__init__()
        self.norm0, self.norm1 = (norm_of(p, f"{name}/{n}") for n in ("norm0", "norm1"))
        self.qkv, self.joined, self.up, self.down = (
            dense_of(p, f"{name}/{n}") for n in ("qkv", "joined", "up", "down")
        )

    def forward(self, x):
        batch, time, width = x.shape
        q, k, v = self.qkv(self.norm0(x)).view(batch, time, 3, 4, 32).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.joined(a.transpose(1, 2).reshape(batch, time, width))
        return x + self.down(F.gelu(self.up(self.norm1(x)), approximate="tanh"))


class Transformer(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.embedding = nn.Embedding(*p["embedding"].shape)
        fill(self.embedding.weight, p["embedding"])
        self.position_embedding = nn.Parameter(torch.from_numpy(p["position_embedding"]))
        self.blocks = nn.Sequential(*[Block(p, name) for name in ("block0", "block1")])
        self.norm, self.output = norm_of(p, "norm"), dense_of(p, "output")

    def forward(self, x):
        return self.output(self.norm(self.blocks(self.embedding(x) + self.position_embedding))).flatten(0, 1)


def model_of(work, unrolled):
    p = work.params
    match work.name:
        case "rnn":
            return Loop(rnn_cell, **p) if unrolled else Recurrent(nn.RNN, **p)
        case "gru":
            return Loop(gru_cell, **p) if unrolled else Recurrent(nn.GRU, **p)
        case "lstm":
            return Recurrent(nn.LSTM, **p)
        case "cnn":
            return CNN(**p)
        case "transformer":
            return Transformer(p)
        case _:
            return mlp(p)


def build(work, system):
    compiled = system == "torch-compile"
    if work.optimizer is None:
        return (compiled_clipping if compiled else eager_clipping)(work), 1
    torch.compiler.reset()
    model = model_of(work, unrolled=compiled)
    xs, ys = torch.from_numpy(work.x), torch.from_numpy(work.labels).long().flatten(1)
    if work.name == "cnn":
        xs = xs.permute(0, 1, 4, 2, 3)  # each batch is in channels_last
    batches = list(zip(xs, ys))
    # nn.LSTM is oneDNN's LSTM, which is faster than a compiled loop. It cannot be
    # part of a graph, so here only the loss is compiled, around it.
    if compiled and work.name != "lstm":
        return compiled_step(work, model, batches), 1
    return eager_step(work, model, batches, compiled), 1


def eager_step(work, model, batches, compile_loss):
    params = [p for p in model.parameters() if p.requires_grad]
    if work.optimizer == "sgd":
        optimizer = torch.optim.SGD(params, lr=work.learning_rate, foreach=True)
    else:
        optimizer = torch.optim.Adam(params, lr=work.learning_rate, fused=True)

    def loss_of(x, y):
        return F.cross_entropy(model(x), y)

    if compile_loss:
        loss_of = torch.compile(loss_of, dynamic=False)

    def step(t):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(*batches[t % len(batches)])
        loss.backward()
        norm = clip_grad_norm_(params, work.max_norm, foreach=True)
        optimizer.step()
        return loss.item(), norm.item()

    return step


def compiled_step(work, model, batches):
    """The whole step as one graph, which updates the parameters in place."""
    params = {name: p.detach().clone() for name, p in model.named_parameters()}
    adam = work.optimizer == "adam"
    count = torch.zeros(())
    means = {name: torch.zeros_like(p) for name, p in params.items() if adam}
    squares = {name: torch.zeros_like(p) for name, p in params.items() if adam}

    def loss_of(params, x, y):
        return F.cross_entropy(functional_call(model, params, (x,)), y)

    @torch.compile(dynamic=False)
    @torch.no_grad()
    def run(params, means, squares, count, x, y):
        grads, loss = grad_and_value(loss_of)(params, x, y)
        norm = get_total_norm(grads.values(), foreach=False)
        scale = torch.clamp(work.max_norm / (norm + 1e-6), max=1.0)
        count += 1
        for name, p in params.items():
            grad = scale * grads[name]
            if adam:
                m, v = means[name], squares[name]
                m.lerp_(grad, 1 - 0.9)
                v.mul_(0.999).addcmul_(grad, grad, value=1 - 0.999)
                m_hat, v_hat = m / (1 - 0.9**count), v / (1 - 0.999**count)
                grad = m_hat / (v_hat.sqrt() + 1e-8)
            p -= work.learning_rate * grad
        return torch.stack((loss, norm))

    def step(t):
        return run(params, means, squares, count, *batches[t % len(batches)]).tolist()

    return step


def clip_each_by_norm(grads, limit):
    scales = (limit / torch.stack(torch._foreach_norm(grads))).clamp(max=1.0)
    torch._foreach_mul_(grads, scales.unbind())
    return grads[-1][0, 0]


def eager_clipping(work):
    params = [nn.Parameter(torch.empty(g.shape)) for g in work.params.values()]
    grads = [torch.from_numpy(g) for g in work.params.values()]
    for p, grad in zip(params, grads):
        p.grad = grad

    def by_value(limit):
        clip_grad_value_(params, limit, foreach=False)  # one pass; foreach makes two
        return grads[-1][0, 0]

    def by_norm(limit):
        return clip_each_by_norm(grads, limit)

    def by_global_norm(limit):
        return clip_grad_norm_(params, limit, foreach=True)

    clip = dict(clip_value=by_value, clip_norm=by_norm, clip_global_norm=by_global_norm)[work.name]
    return lambda t: (None, clip(work.threshold(t)).item())


def compiled_clipping(work):
    grads = [torch.from_numpy(g) for g in work.params.values()]

    def by_value(grads, limit):
        for grad in grads:
            grad.clamp_(-limit, limit)
        return grads[-1][0, 0]

    def by_global_norm(grads, limit):
        norm = get_total_norm(grads, foreach=False)
        torch._foreach_mul_(grads, torch.clamp(limit / (norm + 1e-6), max=1.0))
        return norm

    by_name = dict(
        clip_value=by_value, clip_norm=clip_each_by_norm, clip_global_norm=by_global_norm
    )
    clip = torch.compile(by_name[work.name], dynamic=False)
    return lambda t: (None, clip(grads, torch.tensor(work.threshold(t))).item())
