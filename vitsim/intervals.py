"""Confidence intervals of 95 %, from what a figure becomes when identities are left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit, stdtrit

LEVEL = 0.95
TAILS = np.array([1 - LEVEL, 1 + LEVEL]) / 2


@dataclass(frozen=True)
class Interval:
    """An estimate between its confidence limits, all in the unit of the statistic."""

    estimate: float
    low: float
    high: float
    level: float = LEVEL

    def __str__(self) -> str:
        limits = f" [{self.low:z.2f}, {self.high:z.2f}]"
        return f"{self.estimate:z.2f}{'' if np.isnan(self.low) else limits}"


def jackknife_interval(
    estimate: float, left_out: Sequence[float], trials: int, rate: bool = True
) -> Interval:
    """Limits of a rate, 0 to 1, from its values `left_out` `(n,)` without each of n identities.

    Or without each of n groups of them. The jackknife's error (Tukey 1958) and Student's t on the
    logit scale, with fewer degrees of freedom where a few identities make most of the error
    (Satterthwaite 1946). `trials` of the identities are asked for. A rate of 0 or 1 gets the exact
    limit of so many trials; for FMR it may be too near, as pairs share identities. `rate=False`: of
    another number, such as d′, by Student's t on its own scale.

    Fewer than three identities have no interval, for of two, one alone has no rival; nor have equal
    values `left_out`, which say nothing. Raises: `ValueError` for no rate.
    """
    if rate and not 0 <= estimate <= 1:
        raise ValueError(f"statistic of {estimate:.2f}: expected a rate, 0 to 1")
    if (n := len(left_out)) < 3:
        return Interval(estimate, np.nan, np.nan)
    if rate and estimate in (0, 1):  # Clopper, Pearson (1934)
        limit = float(TAILS[0] ** (1 / trials))
        return Interval(estimate, estimate * limit, 1 - (1 - estimate) * limit)
    apart = np.asarray(left_out, float) - np.nanmean(left_out)
    if np.nanmax(np.abs(apart)) < 1e-12:  # equal, but for rounding
        return Interval(estimate, np.nan, np.nan)
    spread = np.nanmean(apart**2)
    error, freedom = np.sqrt((n - 1) * spread), min(trials, n) - 1
    if not rate:
        return Interval(estimate, *map(float, estimate + error * stdtrit(freedom, TAILS)))
    # The variance v of n values has itself the variance v² (2 / (n − 1) + excess kurtosis / n).
    excess = np.nanmean(apart**4) / spread**2 - 3
    freedom = min(freedom, 2 / (2 / (n - 1) + excess / n))
    margin = error / (estimate * (1 - estimate)) * stdtrit(freedom, TAILS)
    return Interval(estimate, *map(float, expit(logit(estimate) + margin)))


def difference_interval(estimate: float, left_out: Sequence[float], trials: int) -> Interval:
    """As `jackknife_interval`, of a difference of two rates d, −1 to 1: (1 + d) / 2 is a rate."""
    found = jackknife_interval((1 + estimate) / 2, (1 + np.asarray(left_out)) / 2, trials)
    return Interval(*(2 * value - 1 for value in (found.estimate, found.low, found.high)))


def equal_error_rate_interval(
    estimate: float, weight: float, fmr: np.ndarray, fnmr: np.ndarray, trials: int
) -> Interval:
    """Limits of an equal error rate, from FMR and FNMR at its threshold.

    `fmr` and `fnmr` `(1 + n,)` hold them with all identities, then without each. The rate itself
    moves in steps, large ones where errors are few; so an identity left out moves it as far as it
    moves both, by their `fmr_weight`. It never exceeds the larger of both, at any threshold: where
    no genuine pair is missed, the upper limit is at least the exact one of FNMR. `trials`: of how
    many identities there are genuine pairs. Else as `jackknife_interval`.
    """
    moved = weight * (fmr - fmr[0]) + (1 - weight) * (fnmr - fnmr[0])
    found = jackknife_interval(estimate, estimate + moved[1:], trials)
    if fnmr[0]:
        return found
    return replace(found, high=max(found.high, jackknife_interval(0, fnmr[1:], trials).high))


def fmr_weight(genuine: np.ndarray, impostor: np.ndarray, threshold: float) -> float:
    """How much of a small change of FMR at its threshold the equal error rate takes on, 0–1.

    Of a change of FNMR it takes on the rest. Rates that change by a and b are equal again when the
    threshold has moved by (a − b) / (g + i), g and i the densities of genuine and impostor scores
    there, as if normal; then both have changed by (g · a + i · b) / (g + i).
    """
    logs = []
    for kind in map(np.asarray, (genuine, impostor)):
        spread = max(kind.std(), 1e-9)  # they may all be equal
        logs.append(-0.5 * ((threshold - kind.mean()) / spread) ** 2 - np.log(spread))
    return float(expit(logs[0] - logs[1]))
