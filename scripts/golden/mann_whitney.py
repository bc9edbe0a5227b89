"""Golden values for src/stats/mann-whitney.ts: python scripts/golden/mann_whitney.py (scipy, numpy)."""

import json
import pathlib

import numpy as np
import scipy
from scipy import stats

rng = np.random.default_rng(20261124)


def cases():
    for n, m in [(1, 1), (3, 3), (5, 5), (6, 6), (4, 7), (10, 10), (20, 20)]:
        for shift in [0.0, 1.5]:
            x, y = rng.normal(0, 1, n).round(6), rng.normal(shift, 1, m).round(6)
            found = stats.mannwhitneyu(y, x, method="exact")
            yield {"x": x.tolist(), "y": y.tolist(), "u": found.statistic, "p": found.pvalue}
    # Ties: every way to hand out the midranks, which scipy's own exact method doesn't do.
    for n, m in [(3, 4), (5, 5), (6, 5)]:
        for _ in range(3):
            x, y = rng.integers(0, 4, n), rng.integers(0, 5, m)
            ranks = stats.rankdata(np.concatenate([x, y]))
            total = lambda a, b, axis: np.sum(b, axis=axis)
            found = stats.permutation_test(
                (ranks[:n], ranks[n:]), total, permutation_type="independent", n_resamples=np.inf, vectorized=True
            )
            u = np.sum(ranks[n:]) - m * (m + 1) / 2
            yield {"x": x.tolist(), "y": y.tolist(), "u": u, "p": float(found.pvalue)}


golden = {"made_with": {"scipy": scipy.__version__, "numpy": np.__version__}, "cases": list(cases())}
target = pathlib.Path(__file__).parents[2] / "test" / "golden" / "mann_whitney.json"
target.write_text(json.dumps(golden, separators=(",", ":")).replace("},{", "},\n{") + "\n")
print(f"wrote {target}")
