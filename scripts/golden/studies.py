"""Writes test/golden/studies.json: what rliable, opda, lifelines, scipy and numpy say of whole studies.

    python3 -m venv .venv && .venv/bin/pip install scipy opda lifelines && .venv/bin/pip install --no-deps rliable arch absl-py statsmodels patsy
    .venv/bin/python scripts/golden/studies.py

Bootstrap intervals are those of given resamples, so that they can be compared to the last digits: the numbers in "uniform"
pick the values, one after the other. opda's bounds are simulated (100,000 samples), ours are exact.
"""
import json
import math
import pathlib

import lifelines
import lifelines.utils
import numpy as np
import opda
import opda.nonparametric
import rliable
import scipy
from rliable import library, metrics
from scipy import stats

rng = np.random.default_rng(20261123)


def plain(value):
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(inner) for inner in value]
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    value = float(value)
    return value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"


def aggregates():
    for runs, tasks in [(1, 1), (3, 1), (5, 4), (10, 7), (4, 3)]:
        x = rng.normal(0.6, 0.4, (runs, tasks)).round(3)
        y = rng.normal(0.5, 0.4, (runs + 1, tasks)).round(1)
        x[0, 0] = y[0, 0]  # a tie
        taus = np.linspace(-0.2, 1.4, 9).round(2)
        yield {
            "x": x.T,
            "y": y.T,
            "mean": metrics.aggregate_mean(x),
            "median": metrics.aggregate_median(x),
            "iqm": metrics.aggregate_iqm(x),
            "optimality_gap": metrics.aggregate_optimality_gap(x),
            "probability": metrics.probability_of_improvement(x, y),
            "taus": taus,
            "profile": library.score_distributions(x, taus),
        }


def bootstraps():
    for runs, tasks, replicates in [(3, 2, 40), (5, 4, 60)]:
        scores = rng.normal(0.6, 0.4, (runs, tasks)).round(3)
        uniform = rng.random((replicates, tasks, runs)).round(6)
        picked = np.floor(uniform * runs).astype(int)
        resamples = [np.stack([scores[picks, task] for task, picks in enumerate(own)], axis=1) for own in picked]
        iqms = [metrics.aggregate_iqm(resample) for resample in resamples]
        medians = [metrics.aggregate_median(resample) for resample in resamples]
        yield {
            "scores": scores.T,
            "uniform": uniform.ravel(),
            "replicates": replicates,
            "iqm": np.percentile(iqms, [2.5, 97.5]),
            "median": np.percentile(medians, [2.5, 97.5]),
        }


def algoperf(times, limit=4.0, points=300_000):
    """The area under the profile by brute force: midpoints of a fine grid."""
    times = np.array(times)
    with np.errstate(invalid="ignore"):
        ratios = times / times.min(axis=0)
    taus = 1 + (np.arange(points) + 0.5) * (limit - 1) / points
    return [np.mean([np.count_nonzero(taus >= r) / points for r in own]) for own in ratios]


races = [
    [[100, 50, 30], [200, 50, 90], [401, math.inf, 30]],
    [[10, math.inf], [10, math.inf]],
    rng.integers(10, 100, (5, 8)).astype(float).tolist(),
]


def lives():
    for n, horizon in [(6, 10), (12, 20), (30, 40), (5, 8)]:
        times = np.minimum(rng.integers(1, int(horizon * 1.6), n), horizon)
        happened = (times < horizon) & (rng.random(n) > 0.2)
        fitted = lifelines.KaplanMeierFitter().fit(times, happened)
        table = fitted.survival_function_
        bounds = fitted.confidence_interval_
        events = sorted(set(times[happened]))
        yield {
            "times": times,
            "happened": happened,
            "horizon": horizon,
            "steps": [
                {"time": t, "survival": table.loc[t].iloc[0], "low": bounds.loc[t].iloc[0], "high": bounds.loc[t].iloc[1]}
                for t in events
            ],
            "restricted_mean": lifelines.utils.restricted_mean_survival_time(fitted, t=horizon),
        }


def inside():
    """The Kolmogorov-Smirnov statistic is at most epsilon: bounds of one width around i / n."""
    for n, epsilon in [(1, 0.6), (5, 0.4), (10, 0.3), (40, 0.2), (100, 0.136)]:
        i = np.arange(1, n + 1)
        yield {
            "low": np.maximum(0, i / n - epsilon),
            "high": np.minimum(1, (i - 1) / n + epsilon),
            "probability": stats.kstwo(n).cdf(epsilon),
        }


def tuning():
    for n in (1, 5, 12, 40):
        ys = rng.beta(4, 2, n).round(4)
        ns = np.arange(1, n + 1)
        own = opda.nonparametric.EmpiricalDistribution(ys)
        lower, _, upper = opda.nonparametric.EmpiricalDistribution.confidence_bands(
            ys, 0.95, a=0.0, b=1.0, generator=np.random.default_rng(1), method="ld_equal_tailed", n_jobs=1
        )
        yield {
            "ys": ys,
            "v": own.v_tuning_curve(ns),
            "u": own.u_tuning_curve(ns),
            # numpy's, since opda's sums of weights round 1/2 down.
            "median": [np.quantile(ys, 0.5 ** (1 / n), method="inverted_cdf") for n in ns],
            # The lower bound of the distribution is the upper one of the curve.
            "low": upper.average_tuning_curve(ns.astype(float)),
            "high": lower.average_tuning_curve(ns.astype(float)),
            "median_low": upper.quantile_tuning_curve(ns.astype(float)),
            "median_high": lower.quantile_tuning_curve(ns.astype(float)),
        }


def equivalence():
    """Two one-sided exact signed-rank tests; draws without ties, for which scipy is exact."""
    for n, centre, margin in [(6, 0.0, 0.5), (8, 0.1, 0.4), (10, -0.3, 0.5), (12, 0.0, 2.0), (9, 1.0, 0.5)]:
        differences = (rng.normal(centre, 0.3, n)).round(6)
        one = stats.wilcoxon(differences + margin, alternative="greater", method="exact").pvalue
        other = stats.wilcoxon(differences - margin, alternative="less", method="exact").pvalue
        yield {"differences": differences, "margin": margin, "p": max(one, other)}


def order_quantiles():
    for i, n, p in [(1, 1, 0.5), (1, 10, 0.025), (10, 10, 0.975), (7, 20, 0.3), (60, 100, 0.001)]:
        yield {"i": i, "n": n, "p": p, "quantile": stats.beta(i, n + 1 - i).ppf(p)}


def detectable():
    """By a simulation of its own: the effect at which scipy's exact signed-rank test finds 80 %."""
    for n, level in [(6, 0.05), (10, 0.05), (10, 0.05 / 4)]:
        draws = rng.normal(0, 1, (4000, n))

        def power(effect):
            return np.mean(stats.wilcoxon(draws + effect, axis=1, method="exact").pvalue <= level)

        low, high = 0.0, 8.0
        for _ in range(10):
            middle = (low + high) / 2
            low, high = (middle, high) if power(middle) < 0.8 else (low, middle)
        yield {"seeds": n, "level": level, "effect": high}


def areas():
    for n in (2, 5, 9):
        rates = 10.0 ** np.sort(rng.uniform(-4, 1, n)).round(3)
        scores = rng.random(n).round(3)
        logs = np.log10(rates)
        yield {"rates": rates, "scores": scores, "area": np.trapezoid(scores, logs) / (logs[-1] - logs[0])}


def ranked(scores):
    """Strategies by settings by seeds: ranks of medians, then of the mean of these; 1 is the best."""
    return stats.rankdata(stats.rankdata(-np.median(scores, axis=2), axis=0).mean(axis=1).round(9))


def ranks():
    for strategies, settings, seeds in [(3, 2, 5), (5, 1, 4), (4, 3, 6)]:
        scores = rng.normal(0.5, 0.2, (strategies, settings, seeds)).round(1)
        scores[rng.random(scores.shape) < 0.1] = -math.inf
        replicates = 81
        uniform = rng.random((replicates, settings, seeds)).round(6)
        picked = np.floor(uniform * seeds).astype(int)
        found = np.array([ranked(np.stack([scores[:, s, own[s]] for s in range(settings)], axis=1)) for own in picked])
        yield {
            "scores": scores,
            "uniform": uniform.ravel(),
            "replicates": replicates,
            "ranks": ranked(scores),
            "first": np.mean(found == found.min(axis=1, keepdims=True), axis=0),
            "low": np.percentile(found, 2.5, axis=0),
            "high": np.percentile(found, 97.5, axis=0),
        }


def decades(points=2_000_001):
    """How far a line is at or above the level, by points close together."""
    for n, level in [(2, 0.5), (5, 0.4), (9, 0.6), (9, 2.0)]:
        rates = 10.0 ** np.sort(rng.uniform(-4, 1, n)).round(3)
        scores = rng.random(n).round(3)
        logs = np.log10(rates)
        fine = np.linspace(logs[0], logs[-1], points)
        share = np.mean(np.interp(fine, logs, scores) >= level)
        yield {"rates": rates, "scores": scores, "level": level, "decades": share * (logs[-1] - logs[0])}


golden = {
    "made_with": {
        "scipy": scipy.__version__,
        "numpy": np.__version__,
        "rliable": "1.2.0",
        "opda": "0.8.0",
        "lifelines": lifelines.__version__,
    },
    "aggregates": list(aggregates()),
    "bootstraps": list(bootstraps()),
    "algoperf": [{"times": times, "scores": algoperf(times)} for times in races],
    "lives": list(lives()),
    "inside": list(inside()),
    "order_quantiles": list(order_quantiles()),
    "tuning": list(tuning()),
    "detectable": list(detectable()),
    "areas": list(areas()),
    "ranks": list(ranks()),
    "decades": list(decades()),
    # Last, so that what is drawn before stays as it was.
    "equivalence": list(equivalence()),
}
target = pathlib.Path(__file__).parents[2] / "test" / "golden" / "studies.json"
target.write_text(json.dumps(plain(golden), separators=(",", ":")).replace('},{', '},\n{') + "\n")
print(f"wrote {target}")
