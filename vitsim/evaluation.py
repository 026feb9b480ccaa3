"""How good a search is: error rates and their intervals, in the terms of ISO/IEC 19795-1.

A comparison of two photos of one identity is *genuine*, of two identities *impostor*. Scores are
similarities: higher is more alike. A pair that must not be compared, such as a photo with itself
in a leave-one-out test, has the score NaN, and no function below looks at it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Interval:
    """An estimate between its confidence limits, all in the unit of the statistic."""

    estimate: float
    low: float
    high: float
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.estimate:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True)
class ErrorRates:
    """Rates in 0–1 at every threshold, all `(t,)` float64; thresholds ascend."""

    thresholds: np.ndarray
    fmr: np.ndarray
    fnmr: np.ndarray


@dataclass(frozen=True)
class EqualErrorRate:
    """Where FMR and FNMR are equal: the error `rate` (0 to 1) and the `threshold` on the score."""

    rate: float
    threshold: float


def hits_at_k(scores: np.ndarray, query_ids: Sequence, gallery_ids: Sequence, k: int = 1):
    """Whether a genuine photo is among the `k` best of each query: `(q,)` bool.

    `scores` is `(q, g)`. A tie between a genuine and an impostor photo counts as an error.
    Raises: `ValueError` for k < 1, ids that do not fit the scores, or a query without a genuine
    photo to find (a stranger: see `fpir_fnir`).
    """
    if k < 1:
        raise ValueError(f"k={k}: expected at least 1")
    scores, genuine = _checked(scores, query_ids, gallery_ids)
    if not (any_genuine := genuine.any(1)).all():
        lost = np.asarray(query_ids)[~any_genuine][0]
        raise ValueError(
            f"query of identity {lost!r}: expected a photo of it in the gallery to be found; "
            "leave strangers to fpir_fnir"
        )
    best = np.where(genuine, scores, -np.inf).max(1, keepdims=True)
    return (~genuine & (scores >= best)).sum(1) < k


def recall_at_k(
    scores: np.ndarray, query_ids: Sequence, gallery_ids: Sequence, k: int = 1
) -> float:
    """Share of queries with a genuine photo among the `k` best, 0–1. Takes what `hits_at_k` does.

    With one identity a query this is 1 − FNIR at rank k without a threshold, also called the
    cumulative match characteristic at k.
    """
    return float(hits_at_k(scores, query_ids, gallery_ids, k).mean())


def mean_average_precision(scores: np.ndarray, query_ids: Sequence, gallery_ids: Sequence) -> float:
    """Mean over the queries of the average precision, 0–1.

    A query's average precision is the mean, over its genuine photos, of the precision among all
    photos that score at least as high (Manning, Raghavan, Schütze 2008, sec. 8.4). `scores` is
    `(q, g)`. Raises what `hits_at_k` does.
    """
    hits_at_k(scores, query_ids, gallery_ids)  # for its checks
    scores, genuine = _checked(scores, query_ids, gallery_ids)
    precisions = []
    for row, mask in zip(scores, genuine, strict=True):
        every, right = np.sort(row[~np.isnan(row)]), np.sort(row[mask])
        above = right.size - np.searchsorted(right, right)
        precisions.append(np.mean(above / (every.size - np.searchsorted(every, right))))
    return float(np.mean(precisions))


def genuine_impostor_scores(
    scores: np.ndarray, query_ids: Sequence, gallery_ids: Sequence
) -> tuple[np.ndarray, np.ndarray]:
    """All comparisons of `scores` `(q, g)` as two flat float arrays: (genuine, impostor)."""
    scores, genuine = _checked(scores, query_ids, gallery_ids)
    return scores[genuine], scores[~genuine & ~np.isnan(scores)]


def fmr_fnmr(
    genuine: np.ndarray, impostor: np.ndarray, thresholds: np.ndarray | None = None
) -> ErrorRates:
    """False match and false non-match rates of the decision "score ≥ threshold is a match".

    FMR is the share of impostor scores ≥ threshold, FNMR the share of genuine scores < threshold
    (ISO/IEC 19795-1:2021). Without `thresholds`: every score that occurs, and +∞.
    Raises: `ValueError` when there is no genuine or no impostor score.
    """
    genuine, impostor = _sorted(genuine, "genuine"), _sorted(impostor, "impostor")
    if thresholds is None:
        thresholds = np.append(np.unique(np.concatenate([genuine, impostor])), np.inf)
    thresholds = np.sort(np.asarray(thresholds, dtype=np.float64))
    fmr = 1 - np.searchsorted(impostor, thresholds) / impostor.size
    return ErrorRates(thresholds, fmr, np.searchsorted(genuine, thresholds) / genuine.size)


def equal_error_rate(genuine: np.ndarray, impostor: np.ndarray) -> EqualErrorRate:
    """Where FMR and FNMR are closest: their mean there (0–1), and the threshold.

    Raises what `fmr_fnmr` does. Of several such thresholds the lowest is given.
    """
    rates = fmr_fnmr(genuine, impostor)
    at = int(np.argmin(np.abs(rates.fmr - rates.fnmr)))
    return EqualErrorRate(float(rates.fmr[at] + rates.fnmr[at]) / 2, float(rates.thresholds[at]))


def d_prime(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """d′ = |μg − μi| / √((σg² + σi²) / 2): how far apart the scores lie, in their spread.

    Raises: `ValueError` without scores, or when neither kind varies.
    """
    genuine, impostor = _sorted(genuine, "genuine"), _sorted(impostor, "impostor")
    spread = np.sqrt((genuine.var() + impostor.var()) / 2)
    if spread == 0:
        raise ValueError("scores that do not vary: expected at least two values of one kind")
    return float(abs(genuine.mean() - impostor.mean()) / spread)


def fpir_fnir(
    scores: np.ndarray,
    query_ids: Sequence,
    gallery_ids: Sequence,
    threshold: float,
    rank: int = 1,
) -> tuple[float, float]:
    """Open-set rates of a gallery: (FPIR, FNIR), 0–1, NaN for a rate without any query.

    FPIR(T): share of strangers, queries without a genuine photo, with any score ≥ T. FNIR(R, T):
    share of the others without a genuine photo of score ≥ T among the R best
    (ISO/IEC 19795-1:2021). Both depend on the size of the gallery: say it beside them.
    """
    scores, genuine = _checked(scores, query_ids, gallery_ids)
    known = genuine.any(1)
    above = np.nan_to_num(scores, nan=-np.inf) >= threshold
    ids = np.asarray(query_ids)[known]
    found = hits_at_k(scores[known], ids, gallery_ids, rank) & (above & genuine)[known].any(1)
    fpir = above[~known].any(1).mean() if not known.all() else np.nan
    return float(fpir), float(1 - found.mean()) if known.any() else np.nan


def bootstrap_by_identity(
    statistic: Callable[[np.ndarray, np.ndarray, np.ndarray], float],
    scores: np.ndarray,
    query_ids: Sequence,
    gallery_ids: Sequence,
    repeats: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    resample_gallery: bool = True,
) -> Interval:
    """Percentile interval of `statistic(scores, query_ids, gallery_ids)` over identities.

    Impostor pairs share individuals, so identities are drawn with replacement, not pairs, and the
    pairs are built anew (Bolle, Ratha, Pankanti 2004). An identity drawn twice is two
    identities, and what would compare it with itself is dropped (NaN). For ranks such as recall,
    which grow easier in a gallery of fewer different identities, `resample_gallery=False` draws
    the queries' identities alone. Raises: `ValueError` for fewer than two identities.
    """
    scores, _ = _checked(scores, query_ids, gallery_ids)
    query_ids, gallery_ids = np.asarray(query_ids), np.asarray(gallery_ids)
    drawn_from = np.unique(np.append(query_ids, gallery_ids) if resample_gallery else query_ids)
    if len(drawn_from) < 2:
        raise ValueError(f"{len(drawn_from)} identity: expected at least 2 to draw from")
    rng, values = np.random.default_rng(seed), []
    rows_of = [np.flatnonzero(query_ids == one) for one in drawn_from]
    columns_of = [np.flatnonzero(gallery_ids == one) for one in drawn_from]
    for _ in range(repeats):
        drawn = rng.integers(len(drawn_from), size=len(drawn_from))
        rows = np.concatenate([rows_of[i] for i in drawn])
        if not resample_gallery:
            values.append(statistic(scores[rows], query_ids[rows], gallery_ids))
            continue
        columns = np.concatenate([columns_of[i] for i in drawn])
        copy = np.arange(len(drawn))
        q_copy = np.repeat(copy, [len(rows_of[i]) for i in drawn])
        g_copy = np.repeat(copy, [len(columns_of[i]) for i in drawn])
        twice = (drawn[q_copy][:, None] == drawn[g_copy]) & (q_copy[:, None] != g_copy)
        values.append(statistic(np.where(twice, np.nan, scores[np.ix_(rows, columns)]), q_copy,
                                g_copy))  # fmt: skip
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return Interval(float(statistic(scores, query_ids, gallery_ids)), low, high, level)


def _checked(scores, query_ids, gallery_ids) -> tuple[np.ndarray, np.ndarray]:
    """`scores` as a float array, and which of its pairs are genuine."""
    scores, genuine = np.asarray(scores), np.asarray(query_ids)[:, None] == np.asarray(gallery_ids)
    if scores.shape != genuine.shape or scores.size == 0:
        raise ValueError(
            f"scores of shape {scores.shape}: expected a row for each of the {len(query_ids)} "
            f"queries and a column for each of the {len(gallery_ids)} gallery photos"
        )
    return scores, genuine & ~np.isnan(scores)


def _sorted(values: np.ndarray, kind: str) -> np.ndarray:
    values = np.sort(np.asarray(values, dtype=np.float64).ravel())
    if values.size == 0 or np.isnan(values[-1]):
        raise ValueError(f"{values.size} {kind} scores: expected at least one, and no NaN")
    return values
