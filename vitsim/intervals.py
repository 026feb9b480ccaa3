"""Confidence intervals of a figure, from what it becomes when identities are drawn or left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri, stdtrit


@dataclass(frozen=True)
class Interval:
    """An estimate between its confidence limits, all in the unit of the statistic."""

    estimate: float
    low: float
    high: float
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.estimate:z.2f} [{self.low:z.2f}, {self.high:z.2f}]"


def bca_interval(
    estimate: float,
    draws: Sequence[float],
    left_out: Sequence[float],
    level: float = 0.95,
) -> Interval:
    """Limits from bootstrap `draws`, corrected for bias, skewness and few identities.

    `left_out` `(n,)` holds the statistic without each of the n identities. Bias and acceleration:
    Efron (1987), BCa. Levels are those of Student's t, for a bootstrap of n is too narrow by
    √(1 − 1/n) and knows no t: Hesterberg (2015), "expanded percentile". NaN values are left out.
    """
    n, draws, left_out = len(left_out), np.asarray(draws, float), np.asarray(left_out, float)
    draws, left_out = draws[~np.isnan(draws)], left_out[~np.isnan(left_out)]
    if draws.size == 0:
        return Interval(estimate, np.nan, np.nan, level)
    z = np.sqrt(n / (n - 1)) * stdtrit(n - 1, 0.5 + np.array([-level, level]) / 2)
    below = np.mean((draws < estimate) + 0.5 * (draws == estimate))
    bias = ndtri(np.clip(below, 0.5 / draws.size, 1 - 0.5 / draws.size))
    influence = left_out.sum() / max(left_out.size, 1) - left_out
    scale = np.sum(influence**2) ** 1.5
    acceleration = np.sum(influence**3) / (6 * scale) if scale else 0.0
    levels = ndtr(bias + (bias + z) / np.maximum(1 - acceleration * (bias + z), 1e-9))
    return Interval(estimate, *map(float, np.quantile(draws, levels)), level)


def jackknife_interval(
    estimate: float,
    left_out: Sequence[float],
    trials: int,
    level: float = 0.95,
    rate: bool = True,
) -> Interval:
    """Limits of a rate, 0 to 1, from its values `left_out` `(n,)` without each of n identities.

    Or without each of n groups of them. The jackknife's error (Tukey 1958) and Student's t on the
    logit scale, with fewer degrees of freedom where a few identities make most of the error
    (Satterthwaite 1946). A rate of 0 or 1 gets the exact limit. `trials` of the identities are
    asked for. `rate=False`: of another number, such as d′, by Student's t on its own scale.

    Fewer than three identities have no interval, for of two, one alone has no rival; nor have equal
    values `left_out`, which say nothing. Raises: `ValueError` for no rate.
    """
    if rate and not 0 <= estimate <= 1:
        raise ValueError(f"statistic of {estimate:.2f}: expected a rate, 0 to 1")
    if (n := len(left_out)) < 3:
        return Interval(estimate, np.nan, np.nan, level)
    if rate and estimate in (0, 1):  # Clopper, Pearson (1934)
        limit = (0.5 - level / 2) ** (1 / trials)
        return Interval(estimate, estimate * limit, 1 - (1 - estimate) * limit, level)
    apart = np.asarray(left_out, float) - np.nanmean(left_out)
    if not (spread := np.nanmean(apart**2)):
        return Interval(estimate, np.nan, np.nan, level)
    error, freedom = np.sqrt((n - 1) * spread), min(trials, n) - 1
    tails = 0.5 + np.array([-level, level]) / 2
    if not rate:
        return Interval(estimate, *map(float, estimate + error * stdtrit(freedom, tails)), level)
    # The variance v of n values has itself the variance v² (2 / (n − 1) + excess kurtosis / n).
    excess = np.nanmean(apart**4) / spread**2 - 3
    freedom = min(freedom, 2 / (2 / (n - 1) + excess / n))
    margin = error / (estimate * (1 - estimate)) * stdtrit(freedom, tails)
    return Interval(estimate, *map(float, expit(logit(estimate) + margin)), level)
