"""Writes test/golden/stats.json: what scipy, statsmodels, numpy and brute force say where src/stats/ has an answer too.

    python3 -m venv .venv && .venv/bin/pip install scipy statsmodels && .venv/bin/python scripts/golden/stats.py

Brute force, where scipy has no exact answer: the signed-rank test with ties and zeros (all 2^n sign patterns) and the
interval of the Hodges-Lehmann estimate (ranks of the Walsh averages from all 2^n subsets of 1 .. n), and sign-flip tests with
other weights than ones, which are binomial.
Non-finite numbers are written as the strings "NaN", "Infinity", "-Infinity".
"""
import itertools
import json
import math
import pathlib

import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(20240501)


def plain(value):
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(inner) for inner in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        value = float(value)
        return value if math.isfinite(value) else "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value


def brute_signed_rank(differences):
    nonzero = [d for d in differences if d != 0]
    ranks = stats.rankdata(np.abs(nonzero)) if nonzero else np.array([])
    observed = sum(rank for rank, d in zip(ranks, nonzero) if d > 0)
    sums = [sum(itertools.compress(ranks, signs)) for signs in itertools.product([0, 1], repeat=len(nonzero))]
    low = np.mean([s <= observed for s in sums])
    high = np.mean([s >= observed for s in sums])
    return {"positive": observed, "p": min(1.0, 2 * min(low, high))}


def walsh_interval(differences, confidence):
    n = len(differences)
    walsh = sorted((a + b) / 2 for a, b in itertools.combinations_with_replacement(differences, 2))
    sums = [sum(itertools.compress(range(1, n + 1), signs)) for signs in itertools.product([0, 1], repeat=n)]
    k = 0
    while np.mean([s <= k for s in sums]) <= (1 - confidence) / 2:
        k += 1
    if k == 0:
        return {"estimate": np.median(walsh), "low": -math.inf, "high": math.inf, "confidence": 1.0}
    outside = float(np.mean([s <= k - 1 for s in sums]))
    return {"estimate": np.median(walsh), "low": walsh[k - 1], "high": walsh[-k], "confidence": 1 - 2 * outside}


def unbounded_interval(differences, confidence):
    """Infinities as numbers far off, every one further than all others once: the interval that holds all of theirs."""
    places = [i for i, d in enumerate(differences) if math.isinf(d)]
    found = []
    for order in itertools.permutations(range(len(places))):
        finite = list(differences)
        for place, step in zip(places, order):
            finite[place] = math.copysign(10.0 ** (6 + step), differences[place])
        found.append(walsh_interval(finite, confidence))
    far = lambda value: math.copysign(math.inf, value) if abs(value) > 1e5 else value
    low, high = far(min(one["low"] for one in found)), far(max(one["high"] for one in found))
    return {"low": low, "high": high, "confidence": found[0]["confidence"]}


continuous = [rng.normal(shift, 1, n).round(6).tolist() for n in (1, 2, 3, 5, 6, 7, 9, 12) for shift in (0.0, 0.8)]
tied = [rng.integers(-3, 4, n).astype(float).tolist() for n in (1, 2, 4, 6, 8, 10, 12) for _ in range(3)]
infinite = [
    [math.inf, 0.1, 0.2, -0.3, 0.4, 0.5],
    [math.inf, math.inf, math.inf, 0.2, 0.1, -0.3],
    [math.inf, -math.inf, 0.2, 0.1, 0.3, 0.4, 0.5],
    [-math.inf] * 6,
    [0.0, 0.0, math.inf, math.inf, 0.5, -0.1],
    [0.0] * 6,
]

golden = {
    "made_with": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": np.__version__},
    "signed_rank_exact": [
        {"d": d, "p": stats.wilcoxon(d, method="exact").pvalue, "statistic": stats.wilcoxon(d, method="exact").statistic}
        for d in continuous
    ],
    "signed_rank_brute": [{"d": d, **brute_signed_rank(d)} for d in continuous + tied + infinite],
    "hodges_lehmann": [
        {"d": d, "confidence_asked": c, **walsh_interval(d, c)} for d in continuous + tied for c in (0.9, 0.95)
    ],
    "wilson": [
        {"k": k, "n": n, "low": interval.low, "high": interval.high}
        for n in (1, 2, 5, 6, 10, 37, 200)
        for k in sorted({0, 1, n // 3, n // 2, n - 1, n})
        for interval in [stats.binomtest(k, n).proportion_ci(confidence_level=0.95, method="wilson")]
    ],
    "mcnemar": [
        {"first": b, "second": c, "p": mcnemar([[7, b], [c, 3]], exact=True).pvalue if b + c else 1.0}
        for b in (0, 1, 2, 3, 5, 6, 10, 21)
        for c in (0, 1, 2, 4, 6, 10)
    ],
    "holm": [],  # filled below
    "quantile": [
        {"values": v, "q": q, "quantile": float(np.quantile(v, q))}
        for v in ([3.0], [1.0, 2.0], [5.0, -1.0, 2.0], rng.normal(0, 1, 6).round(6).tolist(), rng.normal(0, 1, 11).round(6).tolist())
        for q in (0.0, 0.1, 0.25, 0.5, 0.9, 1.0)
    ],
    "midranks": [{"values": v, "ranks": stats.rankdata(v)} for v in tied + continuous],
}

for m in (1, 2, 3, 6, 9):
    for _ in range(3):
        ps = rng.choice([0.001, 0.01, 0.02, 0.03125, 0.04, 0.2, 0.5, 1.0], m).tolist()
        golden["holm"].append({"ps": ps, "adjusted": multipletests(ps, method="holm")[1]})


def sign_flips(weights):
    if set(weights) == {1}:
        n = len(weights)
        distribution = stats.binom.pmf(np.arange(n + 1), n, 0.5)
        ps = [stats.binomtest(k, n).pvalue for k in range(n + 1)]
        return {"weights": weights, "distribution": distribution, "ps": ps}
    sums = np.array([sum(itertools.compress(weights, signs)) for signs in itertools.product([0, 1], repeat=len(weights))])
    every = np.arange(sum(weights) + 1)
    ps = [min(1.0, 2 * min(np.mean(sums <= s), np.mean(sums >= s))) for s in every]
    return {"weights": weights, "distribution": [np.mean(sums == s) for s in every], "ps": ps}


golden["sign_flips"] = [
    sign_flips(weights)
    for weights in ([1], [1] * 6, [1] * 17, [1] * 60, [3], [0, 2], [1, 2, 3, 4], [2, 2, 5, 5, 5, 9], [1, 20, 3, 0, 7, 7, 11, 2])
]


def needed(comparisons, level):
    """The fewest pairs with which Holm, of all comparisons at their smallest p, lets any through."""
    n = 1
    while multipletests([stats.binomtest(0, n).pvalue] * comparisons, level, "holm")[1].min() > level:
        n += 1
    return n


# At most four without bound: they are tried in every order.
unbounded = [
    [math.inf, 0.1, 0.2, -0.3, 0.4, 0.5],
    [math.inf, -math.inf, 0.2, 0.1, 0.3, 0.4, 0.5],
    [math.inf, -math.inf] + rng.normal(2, 1, 10).round(6).tolist(),
    [-math.inf, -math.inf, math.inf] + rng.normal(2, 1, 9).round(6).tolist(),
    [-math.inf, -math.inf, math.inf, math.inf] + rng.normal(2, 1, 8).round(6).tolist(),
]
golden["unbounded"] = [{"d": d, "confidence_asked": c, **unbounded_interval(d, c)} for d in unbounded for c in (0.8, 0.95)]
golden["needed_pairs"] = [
    {"comparisons": m, "level": level, "pairs": needed(m, level), "smallest": stats.binomtest(0, needed(m, level)).pvalue}
    for m in (1, 2, 3, 10, 36, 400)
    for level in (0.05, 0.01)
]

path = pathlib.Path(__file__).resolve().parents[2] / "test" / "golden" / "stats.json"
# One case a line, so that a diff shows which case changed.
parts = []
for name, cases in plain(golden).items():
    inner = json.dumps(cases) if isinstance(cases, dict) else "[\n" + ",\n".join("  " + json.dumps(c) for c in cases) + "\n ]"
    parts.append(f" {json.dumps(name)}: {inner}")
path.write_text("{\n" + ",\n".join(parts) + "\n}\n")
print(f"{path.name}: {sum(len(v) for v in golden.values() if isinstance(v, list))} cases")
