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
    estimate: float, draws: Sequence[float], left_out: Sequence[float], level: float = 0.95
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
    estimate: float, left_out: Sequence[float], trials: int, level: float = 0.95
) -> Interval:
    """Limits of a rate, 0 to 1, from its values `left_out` `(n,)` without each of n identities.

    Or without each of n groups of them. The jackknife's error (Tukey 1958) and Student's t on the
    logit scale; a rate of 0 or 1 gets the exact limit (Clopper, Pearson 1934). `trials` of the
    identities are asked for. Fewer than three have no interval, for of two, one alone has no rival;
    nor have equal values `left_out`, which say nothing.
    Raises `ValueError` for no rate.
    """
    if not 0 <= estimate <= 1:
        raise ValueError(f"statistic of {estimate:.2f}: expected a rate, 0 to 1")
    if len(left_out) < 3:
        return Interval(estimate, np.nan, np.nan, level)
    if estimate in (0, 1):
        limit = (0.5 - level / 2) ** (1 / trials)
        return Interval(estimate, estimate * limit, 1 - (1 - estimate) * limit, level)
    if not (spread := np.nanvar(left_out)):
        return Interval(estimate, np.nan, np.nan, level)
    error = np.sqrt((len(left_out) - 1) * spread) / (estimate * (1 - estimate))
    margin = error * stdtrit(min(trials, len(left_out)) - 1, 0.5 + np.array([-level, level]) / 2)
    return Interval(estimate, *map(float, expit(logit(estimate) + margin)), level)
