"""Times one peer system on several works, on one thread.

    taskset -c 0 python peers.py SYSTEM FOLDER WORK [WORK...] --seconds 0.6

Pin it to a core, as here: XLA and TensorFlow have a second thread even so.

SYSTEM is torch-eager, torch-compile, jax-jit, jax-scan or keras. A work is a
training run (a model, its first weights, 20 batches, an optimizer, the norm to
clip the gradients to) or, if its name begins with "clip_", the clipping alone.
FOLDER holds WORK.json (what there is and where) and WORK.bin (the float32
entries).

For each work there is one line of JSON on stdout:

    {"work", "ms": median per step, "losses": [first 20], "norms": [first 20]}

or {"work", "error"}. Everything else goes to stderr. The norms are those of all
gradients together before clipping, null where the system does not give them.

A step is what a training loop that logs does: forward, backward, clip, update,
then read the loss and the norm on the host. The inputs are the system's own
arrays before the clock starts, and what a system compiles is compiled by then.

peers_torch.py, peers_jax.py and peers_keras.py hold the systems. Each has
build(work, system), which returns (step, steps per call): step(t) makes the step
on batch t % 20 and returns (loss, norm) as Python floats. Where the steps per
call are 20 (jax-scan), it makes all 20 and returns (losses, norms).
"""

import os

os.environ.update(  # before numpy or a system is imported
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    NPROC="1",  # the size of XLA's thread pool
    TF_NUM_INTRAOP_THREADS="1",
    TF_NUM_INTEROP_THREADS="1",
    TORCHINDUCTOR_COMPILE_THREADS="1",
    XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    KERAS_BACKEND="tensorflow",
    JAX_PLATFORMS="cpu",
    TF_CPP_MIN_LOG_LEVEL="2",
)

import argparse
import ctypes
import json
import statistics
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

BATCHES = 20


@dataclass
class Work:
    name: str
    optimizer: str | None  # "sgd", "adam", or None for clipping alone
    learning_rate: float
    max_norm: float
    thresholds: list[float]  # for clipping alone: one for each of 20 steps
    params: dict[str, np.ndarray]  # for clipping alone: the gradients
    x: np.ndarray | None  # [20, batch, ...]
    labels: np.ndarray | None  # [20, batch, ...], whole numbers

    def threshold(self, t: int) -> float:
        """Smaller each time round, so that there is always something to clip."""
        return self.thresholds[t % BATCHES] * 0.98 ** (t // BATCHES)


def load(folder: Path, name: str) -> Work:
    about = json.loads((folder / f"{name}.json").read_text())
    entries = np.fromfile(folder / f"{name}.bin", dtype="<f4")

    def arrays(kind: str) -> dict[str, np.ndarray]:
        found = {}
        for array in about[kind]:
            start, size = array["offset"], int(np.prod(array["shape"]))
            found[array["name"]] = entries[start : start + size].reshape(array["shape"]).copy()
        return found

    inputs = arrays("inputs")
    x, y = inputs.get("x"), inputs.get("y")
    if name == "transformer":  # token numbers
        x, y = x.astype(np.int32), y.astype(np.int32)
    elif y is not None:  # one-hot
        y = y.argmax(-1).astype(np.int32)
    return Work(
        name=name,
        optimizer=about["optimizer"],
        learning_rate=about["learning_rate"],
        max_norm=about["max_norm"],
        thresholds=about.get("thresholds", []),
        params=arrays("params"),
        x=x,
        labels=y,
    )


def measure(step, steps_per_call: int, seconds: float) -> dict:
    if steps_per_call == BATCHES:
        losses, norms = step(0)
    else:
        losses, norms = map(list, zip(*[step(t) for t in range(BATCHES)]))
    t = BATCHES

    def run(calls: int) -> float:
        """Seconds per call."""
        nonlocal t
        start = perf_counter()
        for _ in range(calls):
            step(t)
            t += steps_per_call
        return (perf_counter() - start) / calls

    warm, until = [], perf_counter() + 0.2
    while perf_counter() < until:
        warm.append(run(1))
    calls = int(0.010 / min(warm)) + 1  # a chunk lasts 10 ms or more

    chunks, until = [], perf_counter() + seconds
    while len(chunks) < 5 or perf_counter() < until:
        chunks.append(run(calls))
    ms = 1000 * statistics.median(chunks) / steps_per_call
    return {"ms": ms, "losses": losses, "norms": norms}


def keep_memory() -> None:
    """Lets malloc keep what it frees rather than hand it back to the kernel.

    Else large tensors are mapped and faulted in anew at every step; this is what
    PyTorch's tuning guide recommends another malloc for. Only glibc has mallopt.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD, at its maximum
        mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD


def main() -> None:
    parser = argparse.ArgumentParser(description="Times one peer system on several works.")
    systems = ["torch-eager", "torch-compile", "jax-jit", "jax-scan", "keras"]
    parser.add_argument("system", choices=systems)
    parser.add_argument("folder", type=Path)
    parser.add_argument("works", nargs="+", metavar="work")
    parser.add_argument("--seconds", type=float, default=0.6, help="of timing, for each work")
    args = parser.parse_args()

    results = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints on stdout goes to stderr
    keep_memory()

    if args.system.startswith("torch"):
        import peers_torch as peer
    elif args.system.startswith("jax"):
        import peers_jax as peer
    else:
        import peers_keras as peer

    for name in args.works:
        start = perf_counter()
        try:
            work = load(args.folder, name)
            result = measure(*peer.build(work, args.system), args.seconds)
            if work.optimizer is None:
                result["losses"] = []
                if name != "clip_global_norm":
                    result["norms"] = []
        except Exception as error:
            traceback.print_exc()
            result = {"error": str(error)[:300] or type(error).__name__}
        print(json.dumps({"work": name, **result}), file=results, flush=True)
        print(f"{name}: {perf_counter() - start:.1f} s in all", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
