"""How good a search is: error rates and their intervals, in the terms of ISO/IEC 19795-1.

A comparison of two photos of one identity is *genuine*, of two identities *impostor*. Scores are
similarities: higher is more alike. A pair that must not be compared, such as a photo with itself
in a leave-one-out test, has the score NaN, and no function below looks at it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from . import intervals
from .intervals import Interval

Ids = Sequence | np.ndarray
Statistic = Callable[[np.ndarray, Ids, Ids], float]  # of scores, query and gallery ids


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


def hits_at_k(scores: np.ndarray, query_ids: Ids, gallery_ids: Ids, k: int = 1):
    """Whether a genuine photo is among the `k` best of each query: `(q,)` bool.

    `scores` is `(q, g)`. A tie between a genuine and an impostor photo counts as an error.
    Raises: `ValueError` for k < 1, unfit ids, or a query without a genuine photo (a stranger).
    """
    if k < 1:
        raise ValueError(f"k={k}: expected at least 1")
    scores, genuine = _checked(scores, query_ids, gallery_ids)
    if not (known := genuine.any(1)).all():
        lost = np.asarray(query_ids)[~known][0]
        told = "expected a photo of it in the gallery; leave strangers to fpir_fnir"
        raise ValueError(f"query of identity {lost!r}: {told}")
    best = np.where(genuine, scores, -np.inf).max(1, keepdims=True)
    return (~genuine & (scores >= best)).sum(1) < k


def recall_at_k(scores: np.ndarray, query_ids: Ids, gallery_ids: Ids, k: int = 1) -> float:
    """Share of queries with a genuine photo among the `k` best, 0–1: 1 − FNIR without a threshold.

    Takes what `hits_at_k` does. Also called the cumulative match characteristic at k.
    """
    return float(hits_at_k(scores, query_ids, gallery_ids, k).mean())


def mean_average_precision(scores: np.ndarray, query_ids: Ids, gallery_ids: Ids) -> float:
    """Mean over the queries of the average precision, 0–1. Takes and raises what `hits_at_k` does.

    A query's average precision is the mean, over its genuine photos, of the precision among all
    photos that score at least as high (Manning, Raghavan, Schütze 2008, sec. 8.4).
    """
    hits_at_k(scores, query_ids, gallery_ids)  # for its checks
    scores, genuine = _checked(scores, query_ids, gallery_ids)
    queries, photos = scores.shape
    order = np.argsort(-scores.astype(np.float64), axis=1)  # NaN comes last
    ranked, right = (np.take_along_axis(each, order, 1) for each in (scores, genuine))
    rank = np.tile(np.arange(1, photos + 1), (queries, 1))
    rank[:, :-1][ranked[:, :-1] == ranked[:, 1:]] = photos
    rank = np.minimum.accumulate(rank[:, ::-1], axis=1)[:, ::-1]  # of equal scores the last one's
    precision = np.take_along_axis(right.cumsum(1), rank - 1, 1) / rank
    return float(np.mean((precision * right).sum(1) / right.sum(1)))


def genuine_impostor_scores(
    scores: np.ndarray, query_ids: Ids, gallery_ids: Ids
) -> tuple[np.ndarray, np.ndarray]:
    """All comparisons of `scores` `(q, g)` as two flat float arrays: (genuine, impostor).

    Raises: `ValueError` for ids that do not fit the scores.
    """
    scores, genuine = _checked(scores, query_ids, gallery_ids)
    return scores[genuine], scores[~genuine & ~np.isnan(scores)]


def fmr_fnmr(
    genuine: np.ndarray, impostor: np.ndarray, thresholds: np.ndarray | None = None
) -> ErrorRates:
    """False match and false non-match rates of the decision "score ≥ threshold is a match".

    FMR is the share of impostor scores ≥ threshold, FNMR the share of genuine scores < threshold
    (ISO/IEC 19795-1:2021). Without `thresholds`: every score that occurs, and +∞.
    Raises: `ValueError` for no scores of one kind, or NaN among them.
    """
    genuine, impostor = _sorted(genuine, "genuine"), _sorted(impostor, "impostor")
    if thresholds is None:
        thresholds = np.append(np.unique(np.concatenate([genuine, impostor])), np.inf)
    thresholds = np.sort(np.asarray(thresholds, dtype=np.float64))
    fmr = 1 - np.searchsorted(impostor, thresholds) / impostor.size
    return ErrorRates(thresholds, fmr, np.searchsorted(genuine, thresholds) / genuine.size)


def equal_error_rate(genuine: np.ndarray, impostor: np.ndarray) -> EqualErrorRate:
    """Where FMR and FNMR are closest: their mean there (0–1), and the lowest such threshold.

    Raises what `fmr_fnmr` does.
    """
    rates = fmr_fnmr(genuine, impostor)
    at = int(np.argmin(np.abs(rates.fmr - rates.fnmr).round(12)))  # what rounding parts is equal
    return EqualErrorRate(float(rates.fmr[at] + rates.fnmr[at]) / 2, float(rates.thresholds[at]))


def d_prime(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """d′ = (μg − μi) / √((σg² + σi²) / 2): how far apart the scores lie, in their spread.

    Negative where impostors score higher. Raises: `ValueError` for scores that do not vary, and
    what `fmr_fnmr` does.
    """
    genuine, impostor = _sorted(genuine, "genuine"), _sorted(impostor, "impostor")
    spread = np.sqrt((genuine.var() + impostor.var()) / 2)
    if spread == 0:
        raise ValueError("scores that do not vary: expected at least two values of one kind")
    return float((genuine.mean() - impostor.mean()) / spread)


def exceedance(impostor_scores: np.ndarray, score: float) -> float:
    """Share of strangers' photos, 0–1, that some photo of the gallery resembles by `score` or more.

    `impostor_scores`: the best score of each stranger's photo, `(s,)`, or all its scores, `(s, g)`.
    "Of 100 strangers' photos about 100 × this share score so high": FPIR with `score` as threshold.
    Raises: `ValueError` for no scores, or a photo without any.
    """
    scores = np.asarray(impostor_scores, dtype=np.float64)
    best = _sorted(np.fmax.reduce(scores, axis=1) if scores.ndim == 2 else scores, "impostor")
    return float(np.mean(best >= score))


def fpir_fnir(
    scores: np.ndarray, query_ids: Ids, gallery_ids: Ids, threshold: float
) -> tuple[float, float]:
    """Open-set rates of a gallery: (FPIR, FNIR), 0–1, NaN for a rate without any query.

    FPIR(T): share of strangers, queries without a genuine photo, with any score ≥ T. FNIR(1, T):
    share of the others, unless a genuine photo comes first and scores ≥ T
    (ISO/IEC 19795-1:2021, for rank 1). Both depend on the size of the gallery: say it beside them.
    Raises: `ValueError` for ids that do not fit the scores.
    """
    scores, genuine = _checked(scores, query_ids, gallery_ids)
    known, ids = genuine.any(1), np.asarray(query_ids)
    above = np.nan_to_num(scores, nan=-np.inf) >= threshold
    fpir = above[~known].any(1).mean() if not known.all() else np.nan
    if not known.any():
        return float(fpir), np.nan
    found = hits_at_k(scores[known], ids[known], gallery_ids, 1)
    return float(fpir), float(1 - (found & (above & genuine)[known].any(1)).mean())


def jackknife_by_identity(
    statistic: Statistic,
    scores: np.ndarray,
    query_ids: Ids,
    gallery_ids: Ids,
    rate: bool = True,
    groups: tuple[Ids, Ids] | None = None,
) -> Interval:
    """Interval of a rate (`recall_at_k`, mAP, FMR, FNMR) for other pets, as many as these.

    Pairs share individuals, so each identity is left out once, as query and as rival. `groups`
    leaves out larger ones, such as litters; they are of queries and gallery, as the ids are.
    `rate=False` for another number, such as d′. The limits are those of `jackknife_interval`, with
    the identities (or groups) that can be found as its trials. With 12 to 40 identities they held
    an FMR of 1 to 10 % in 93 to 99 % of simulated cases, FNMR in 96 to 99, d′ in 94 to 97, recall@1
    and mAP in 92 to 100 (`tools/interval_coverage.py`). Bootstraps of identities (Bolle, Ratha,
    Pankanti 2004) held less: draws lack the few pets that make small rates, and rivals.
    Raises: `ValueError` for unfit or fewer than 2 identities, and what `statistic` raises.
    """
    search = scores, query_ids, gallery_ids
    estimate, *left_out = _without_each(statistic, *search, groups=groups)
    return intervals.jackknife_interval(estimate, left_out, _trials(*search, groups), rate)


def equal_error_rate_by_identity(scores: np.ndarray, query_ids: Ids, gallery_ids: Ids) -> Interval:
    """Interval of the equal error rate for other pets: `equal_error_rate_interval`.

    With 12 to 40 identities it held a rate of 3 % in 99 % of simulated cases, one of 24 to 28 % in
    94 to 98 (`tools/interval_coverage.py`). Raises what `jackknife_by_identity` does.
    """
    search = scores, query_ids, gallery_ids
    both = genuine_impostor_scores(*search)
    equal = equal_error_rate(*both)

    def rates(*some) -> ErrorRates:
        return fmr_fnmr(*genuine_impostor_scores(*some), [equal.threshold])

    fmr = _without_each(lambda *some: rates(*some).fmr[0], *search)
    fnmr = _without_each(lambda *some: rates(*some).fnmr[0], *search)
    weight = intervals.fmr_weight(*both, equal.threshold)
    return intervals.equal_error_rate_interval(equal.rate, weight, fmr, fnmr, _trials(*search))


def paired_difference(
    statistic: Statistic, scores: np.ndarray, baseline: np.ndarray, *ids: Ids, rate: bool = True
) -> Interval:
    """`statistic` of `scores` minus that of `baseline`, both `(q, g)`, by the same identities.

    What is hard about an identity then cancels. `ids` are those of the queries and of the gallery;
    `rate`, the limits and what it raises are those of `jackknife_by_identity`.
    """
    both = [_checked(each, *ids)[0] for each in (scores, baseline)]
    lost = np.isnan(both[0]) | np.isnan(both[1])
    search, other = ([np.where(lost, np.nan, each), *ids] for each in both)
    estimate, *left_out = _without_each(statistic, *search) - _without_each(statistic, *other)
    if rate:
        return intervals.difference_interval(estimate, left_out, _trials(*search))
    return intervals.jackknife_interval(estimate, left_out, _trials(*search), rate=False)


def _without_each(statistic: Statistic, scores, *ids: Ids, groups=None) -> np.ndarray:
    """The statistic, then without each identity, or group: `(1 + n,)`; NaN where it has none."""
    scores, _ = _checked(scores, *ids)
    ids = [np.asarray(each) for each in ids]
    asked, shown = ids if groups is None else (np.asarray(each) for each in groups)
    if (n := len(all_of := np.unique(np.append(asked, shown)))) < 2:
        raise ValueError(f"{n} identity: expected at least 2 to leave one out")
    found = [statistic(scores, *ids)]
    for one in all_of:
        rows, columns = asked != one, shown != one
        try:
            found.append(statistic(scores[np.ix_(rows, columns)], ids[0][rows], ids[1][columns]))
        except ValueError:  # what is left of two identities has no impostor
            found.append(np.nan)
    return np.array(found, float)


def _trials(scores, query_ids: Ids, gallery_ids: Ids, groups=None) -> int:
    """How many identities, or groups, are asked for that the gallery holds; all, if it has none."""
    known = _checked(scores, query_ids, gallery_ids)[1].any(1)
    asked = np.asarray(query_ids if groups is None else groups[0])
    return len(np.unique(asked[known if known.any() else ~known]))


def _checked(scores, query_ids, gallery_ids) -> tuple[np.ndarray, np.ndarray]:
    """`scores` as a float array, and which of its pairs are genuine."""
    scores, genuine = np.asarray(scores), np.asarray(query_ids)[:, None] == np.asarray(gallery_ids)
    if scores.shape != genuine.shape or scores.size == 0:
        told = f"{len(query_ids)} queries and a column for each of the {len(gallery_ids)} photos"
        raise ValueError(f"scores of shape {scores.shape}: expected a row for each of the {told}")
    return scores, genuine & ~np.isnan(scores)


def _sorted(values: np.ndarray, kind: str) -> np.ndarray:
    values = np.sort(np.asarray(values, dtype=np.float64).ravel())
    if values.size == 0 or np.isnan(values[-1]):
        raise ValueError(f"{values.size} {kind} scores: expected at least one, and no NaN")
    return values
