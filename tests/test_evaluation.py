"""What `vitsim.evaluation` claims: by hand, against libraries, in worlds whose truth is known."""

from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from scipy.special import expit, logit, ndtri
from scipy.stats import binomtest, kurtosis
from scipy.stats import t as student_t
from sklearn.metrics import average_precision_score, roc_curve, top_k_accuracy_score
from sklearn.neighbors import NearestNeighbors

from vitsim import evaluation as ev
from vitsim import intervals

seeds = st.integers(0, 2**32 - 1)


def random_search(seed, queries=20, gallery=30, identities=5):
    """Scores that are higher for genuine pairs, with ids; every identity is in the gallery."""
    rng = np.random.default_rng(seed)
    query_ids = rng.integers(identities, size=queries)
    gallery_ids = rng.permutation(np.arange(gallery) % identities)
    same = query_ids[:, None] == gallery_ids
    return rng.normal(size=same.shape) + same, query_ids, gallery_ids


def unit_vectors(seed, n=40, identities=6):
    rng = np.random.default_rng(seed)
    ids = np.arange(n) % identities
    vectors = rng.normal(size=(n, 8)) + np.eye(8)[ids]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), ids


def leave_one_out(seed):
    vectors, ids = unit_vectors(seed)
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, np.nan)
    return scores, ids


# Ranks


def test_recall_counts_queries_whose_genuine_photo_is_among_the_k_best():
    scores = [[0.9, 0.8, 0.1], [0.9, 0.8, 0.1]]
    assert ev.hits_at_k(scores, ["a", "b"], ["a", "b", "c"]).tolist() == [True, False]
    assert ev.recall_at_k(scores, ["a", "b"], ["a", "b", "c"], k=1) == 0.5
    assert ev.recall_at_k(scores, ["a", "b"], ["a", "b", "c"], k=2) == 1.0


def test_two_photos_of_one_impostor_take_two_places():
    assert ev.recall_at_k([[0.9, 0.8, 0.7]], ["b"], ["a", "a", "b"], k=2) == 0


def test_a_tie_with_an_impostor_is_no_success():
    assert ev.recall_at_k([[0.5, 0.5]], ["a"], ["a", "b"]) == 0


@given(seeds, st.integers(1, 4))
def test_recall_agrees_with_scikit_learn_when_each_identity_has_one_photo(seed, k):
    scores, query_ids, gallery_ids = random_search(seed, gallery=5)
    columns = np.argsort(gallery_ids)
    expected = top_k_accuracy_score(query_ids, scores[:, columns], k=k, labels=range(5))
    assert ev.recall_at_k(scores, query_ids, gallery_ids, k) == pytest.approx(expected)


@given(seeds)
def test_mean_average_precision_agrees_with_scikit_learn_with_ties_too(seed):
    scores, query_ids, gallery_ids = random_search(seed)
    scores = scores.round(1)
    expected = np.mean(
        [
            average_precision_score(gallery_ids == one, row)
            for one, row in zip(query_ids, scores, strict=True)
        ]
    )
    assert ev.mean_average_precision(scores, query_ids, gallery_ids) == pytest.approx(expected)


@settings(max_examples=20)
@given(seeds)
@example(3269)  # two scores 1e-7 apart: in float32, the library's own search, they change places
def test_ranks_agree_with_pytorch_metric_learning(seed):
    vectors, ids = unit_vectors(seed)
    every = len(ids) - 1  # neighbours: other numbers give another mAP without a word
    neighbours = NearestNeighbors().fit(vectors).kneighbors(n_neighbors=every)

    def in_float64(*_):
        return map(torch.from_numpy, neighbours)

    named = ("precision_at_1", "mean_average_precision")
    calculator = AccuracyCalculator(include=named, k=every, knn_func=in_float64)
    expected = calculator.get_accuracy(vectors, ids)
    scores = leave_one_out(seed)[0]
    assert ev.recall_at_k(scores, ids, ids) == pytest.approx(expected["precision_at_1"])
    assert ev.mean_average_precision(scores, ids, ids) == pytest.approx(
        expected["mean_average_precision"]
    )


@given(seeds)
def test_a_photo_never_finds_itself(seed):
    scores, ids = leave_one_out(seed)
    others = ~np.eye(len(ids), dtype=bool)
    by_hand = np.where(others, scores, -np.inf).argmax(1)
    assert ev.recall_at_k(scores, ids, ids) == np.mean(ids[by_hand] == ids)
    genuine, impostor = ev.genuine_impostor_scores(scores, ids, ids)
    assert len(genuine) + len(impostor) == len(ids) * (len(ids) - 1)


@given(seeds)
def test_ranks_do_not_change_when_all_scores_are_stretched(seed):
    scores, query_ids, gallery_ids = random_search(seed)
    for rate in (ev.recall_at_k, ev.mean_average_precision):
        stretched = rate(np.exp(scores), query_ids, gallery_ids)
        assert stretched == rate(scores, query_ids, gallery_ids)


# Thresholds


@given(seeds)
def test_error_rates_agree_with_scikit_learn(seed):
    genuine, impostor = ev.genuine_impostor_scores(*random_search(seed))
    truth = np.repeat([1, 0], [len(genuine), len(impostor)])
    fpr, tpr, thresholds = roc_curve(
        truth, np.concatenate([genuine, impostor]), drop_intermediate=False
    )
    rates = ev.fmr_fnmr(genuine, impostor)
    np.testing.assert_allclose(rates.fmr, fpr[::-1])
    np.testing.assert_allclose(rates.fnmr, 1 - tpr[::-1], atol=1e-12)
    np.testing.assert_allclose(rates.thresholds, thresholds[::-1])
    at = np.argmin(np.abs(fpr - (1 - tpr)))
    expected = (fpr[at] + 1 - tpr[at]) / 2
    assert ev.equal_error_rate(genuine, impostor).rate == pytest.approx(expected, abs=0.03)


def test_a_score_at_the_threshold_is_a_match():
    rates = ev.fmr_fnmr([0.5, 0.9], [0.1, 0.5], thresholds=[0.5])
    assert rates.fmr.tolist() == [0.5]
    assert rates.fnmr.tolist() == [0.0]


@given(seeds)
def test_a_higher_threshold_never_lets_more_impostors_in(seed):
    rates = ev.fmr_fnmr(*ev.genuine_impostor_scores(*random_search(seed)))
    assert (np.diff(rates.fmr) <= 0).all() and (np.diff(rates.fnmr) >= 0).all()
    assert (rates.fmr[0], rates.fnmr[0], rates.fmr[-1], rates.fnmr[-1]) == (1, 0, 0, 1)


def test_equal_error_rate_is_zero_when_a_threshold_parts_the_scores():
    equal = ev.equal_error_rate([0.8, 0.9], [0.1, 0.2])
    assert equal.rate == 0
    assert 0.2 < equal.threshold <= 0.8


def test_equal_error_rate_of_two_normals_is_what_theory_says():
    rng = np.random.default_rng(1)
    genuine, impostor = rng.normal(2, 1, 20_000), rng.normal(0, 1, 20_000)
    assert ev.equal_error_rate(genuine, impostor).rate == pytest.approx(0.1587, abs=0.01)
    assert ev.d_prime(genuine, impostor) == pytest.approx(2, abs=0.05)
    assert ev.d_prime(impostor, genuine) == -ev.d_prime(genuine, impostor)


def test_open_set_rates_count_strangers_and_known_apart():
    scores = [[0.9, 0.2], [0.3, 0.6], [0.7, 0.1], [0.1, 0.2]]
    fpir, fnir = ev.fpir_fnir(scores, ["a", "a", "x", "y"], ["a", "b"], threshold=0.5)
    assert (fpir, fnir) == (0.5, 0.5)
    assert ev.fpir_fnir(scores, ["a", "a", "x", "y"], ["a", "b"], 0.95) == (0, 1)
    assert ev.fpir_fnir([[np.nan, -0.9]], ["x"], ["a", "b"], -0.5)[0] == 0, "a pair left out"
    fpir, fnir = ev.fpir_fnir([[0.6, 0.7]], ["a"], ["a", "b"], 0.5)
    assert np.isnan(fpir), "no stranger asked"
    assert fnir == 1, "above the threshold, but second"


def test_exceedance_is_the_share_of_strangers_whose_best_score_is_as_high():
    assert ev.exceedance([0.2, 0.6, 0.8, 0.1], 0.6) == 0.5
    assert ev.exceedance([[0.2, 0.1], [0.3, 0.6], [0.8, 0.7], [0.0, 0.1]], 0.6) == 0.5
    assert ev.exceedance([0.2, 0.6], 0.7) == 0


@given(seeds, st.floats(-3, 3))
def test_exceedance_is_the_fpir_at_that_threshold(seed, score):
    scores, query_ids, gallery_ids = random_search(seed)
    strangers = [f"stranger {one}" for one in query_ids]
    fpir, fnir = ev.fpir_fnir(scores, strangers, gallery_ids, score)
    assert ev.exceedance(scores, score) == fpir
    assert np.isnan(fnir)  # nobody was there to be missed


# Intervals


def recall(scores, query_ids, gallery_ids):
    return ev.recall_at_k(scores, query_ids, gallery_ids)


def world(rng, n, effect=1.0):
    """Scores of `n` new pets with each other: pet + pet + noise, all normal; none with itself."""
    pet = effect * rng.normal(size=n)
    scores = pet[:, None] + pet + rng.normal(size=(n, n))
    return np.where(np.eye(n, dtype=bool), np.nan, scores), np.arange(n), np.arange(n)


def test_the_jackknife_holds_a_false_match_rate_that_a_few_pets_make():
    """In these worlds pets are 82 % of the variance: who resembles all others is seldom there."""
    truth, rng, held = 0.03, np.random.default_rng(0), []
    threshold = NormalDist(0, np.sqrt(5.5)).inv_cdf(1 - truth)

    def fmr(scores, *_):
        return np.count_nonzero(scores >= threshold) / np.count_nonzero(~np.isnan(scores))

    for _ in range(600):
        found = ev.jackknife_by_identity(fmr, *world(rng, 30, effect=1.5))
        held.append(found.low <= truth <= found.high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_another_number_than_a_rate_has_the_interval_of_a_mean():
    """Of a mean the jackknife is Student's t."""
    values = np.random.default_rng(0).exponential(size=12)
    left_out = [np.delete(values, one).mean() for one in range(12)]
    for trials, freedom in ((12, 11), (5, 4), (40, 11)):
        found = intervals.jackknife_interval(values.mean(), left_out, trials, rate=False)
        expected = student_t.interval(
            0.95, freedom, values.mean(), values.std(ddof=1) / np.sqrt(12)
        )
        assert (found.low, found.high) == pytest.approx(expected)


def test_one_identity_that_makes_all_errors_leaves_few_degrees_of_freedom():
    """Of 30: 2 / (2 / 29 + (kurtosis − 3) / 30) of them; on the logit scale."""
    values = np.append(np.zeros(29), 1.0)
    rate, left_out = values.mean(), [np.delete(values, one).mean() for one in range(30)]
    freedom = 2 / (2 / 29 + kurtosis(values) / 30)
    margin = student_t.ppf(0.975, freedom) * values.std(ddof=1) / np.sqrt(30) / (rate - rate**2)
    found = intervals.jackknife_interval(rate, left_out, 30)
    assert 2 < freedom < 3
    assert [found.low, found.high] == pytest.approx(expit(logit(rate) + margin * np.array([-1, 1])))


def test_the_jackknife_holds_ranks_in_other_galleries():
    """In these worlds a few pets attract many queries, so that the gallery is luck too."""
    ranks, precision, rng = [], [], np.random.default_rng(0)
    for _ in range(300):
        scores, *ids = world(rng, 30, effect=1.5)
        search = np.where(np.eye(30, dtype=bool), 2 + rng.normal(size=(30, 30)), scores), *ids
        ranks.append(ev.jackknife_by_identity(recall, *search))
        precision.append(ev.jackknife_by_identity(ev.mean_average_precision, *search))

    def coverage(found):
        truth = np.mean([one.estimate for one in found])
        return np.mean([one.low <= truth <= one.high for one in found])

    assert coverage(ranks) == pytest.approx(0.95, abs=0.02)
    assert 0.93 <= coverage(precision) <= 0.98


def test_photos_that_repeat_an_identity_do_not_narrow_the_interval():
    """Ten copies of every query tell nothing new; an interval over photos would shrink."""
    scores, query_ids, gallery_ids = random_search(7, queries=10, identities=10)
    few = ev.jackknife_by_identity(recall, scores, query_ids, gallery_ids)
    many = ev.jackknife_by_identity(
        recall, np.repeat(scores, 10, 0), np.repeat(query_ids, 10), gallery_ids
    )
    assert (many.low, many.high) == pytest.approx((few.low, few.high))


def test_litters_that_are_left_out_whole_are_fewer_than_pets():
    """Mates that are as hard as each other tell little more than one of them."""
    scores, ids = leave_one_out(3)
    litters = ids // 2
    pets, groups = (
        ev.jackknife_by_identity(recall, scores, ids, ids, groups=which)
        for which in (None, (litters, litters))
    )
    alone = [recall(scores[np.ix_(left, left)], ids[left], ids[left])
             for left in (litters != one for one in range(3))]  # fmt: skip
    expected = intervals.jackknife_interval(pets.estimate, alone, 3)
    assert groups == expected != pets


def test_a_rate_of_one_is_not_taken_for_certain():
    """Thirty pets without an error leave room for some; the rule of three says as much."""
    ids, litters = np.arange(30), np.arange(30) // 3
    for trials, groups in ((30, None), (10, (litters, litters))):
        perfect = ev.jackknife_by_identity(recall, np.eye(30), ids, ids, groups=groups)
        assert (perfect.estimate, perfect.high) == (1, 1)
        exact = binomtest(trials, trials).proportion_ci(0.95, "exact")
        assert perfect.low == pytest.approx(exact.low)


def test_an_equal_error_rate_of_zero_is_not_taken_for_certain():
    search = np.where(np.eye(20, dtype=bool), 1.0, 0.0), np.arange(20), np.arange(20)
    found = ev.equal_error_rate_by_identity(*search)
    assert (found.low, found.estimate) == (0, 0)
    assert found.high == pytest.approx(binomtest(0, 20).proportion_ci(0.95, "exact").high)


def test_intervals_hold_a_known_equal_error_rate_at_least_95_times_in_100():
    """Or a little oftener: one of 3 % 20 pets hardly show."""
    truth, n, rng, held = 0.03, 20, np.random.default_rng(0), []
    bonus = -NormalDist().inv_cdf(truth) * (np.sqrt(3) + np.sqrt(5))  # impostors vary by 3
    for _ in range(600):
        pet = rng.normal(size=n)
        scores = pet[:, None] + pet + rng.normal(size=(n, n)) + bonus * np.eye(n)
        search = scores, np.arange(n), np.arange(n)
        found = ev.equal_error_rate_by_identity(*search)
        held.append(found.low <= truth <= found.high)
    assert found.estimate == ev.equal_error_rate(*ev.genuine_impostor_scores(*search)).rate
    assert 0.94 < np.mean(held) < 0.99


def test_an_equal_error_rate_takes_on_as_much_of_a_change_as_the_densities_say():
    """Of 1 % of the impostors that now match everything, and of 1 % of genuine that never match."""
    normal = ndtri((np.arange(100_000) + 0.5) / 100_000)
    genuine, impostor = 3 + normal / 2, 2 * normal
    equal = ev.equal_error_rate(genuine, impostor)
    weight = intervals.fmr_weight(genuine, impostor, equal.threshold)
    few = slice(None, None, 100)
    for share, (g, i) in ((weight, (0, 99)), (1 - weight, (-99, 0))):
        changed = genuine.copy(), impostor.copy()
        changed[0][few] += g
        changed[1][few] += i
        moved = ev.equal_error_rate(*changed).rate - equal.rate
        assert moved == pytest.approx(share * 0.01 * (1 - equal.rate), rel=0.05)
    assert 0.5 < weight < 0.9, "the spreads differ"


@pytest.mark.parametrize(("estimate", "value"), [(0.92, 1), (0.4, 0.1)])  # 0.1 has no exact mean
@pytest.mark.parametrize("rate", [True, False])
def test_values_that_do_not_change_give_no_interval(estimate, value, rate):
    """Of three pets each may be found by all others alone; that says nothing about a fourth."""
    for left_out in ([value] * 3, [value, value, value, np.nan]):
        found = intervals.jackknife_interval(estimate, left_out, 3, rate=rate)
        assert found.estimate == estimate and np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize("rate", [True, False])
def test_an_identity_without_which_there_is_no_figure_hardly_changes_the_interval(rate):
    values = np.append(np.zeros(29), 1.0)
    left_out = [np.delete(values, one).mean() for one in range(30)]
    every, found = (
        intervals.jackknife_interval(values.mean(), left_out + more, 30, rate=rate)
        for more in ([], [np.nan])
    )
    assert (found.low, found.high) == pytest.approx((every.low, every.high), rel=0.1)


def test_strangers_do_not_count_for_what_they_cannot_tell():
    """Five pets that are found say little, however many strangers ask beside them."""
    scores = np.where(np.arange(100)[:, None] == np.arange(5), 1.0, 0.0)
    search = scores, np.arange(100), np.arange(5)
    missed = ev.jackknife_by_identity(
        lambda *some: np.mean(ev.genuine_impostor_scores(*some)[0] < 0.5), *search
    )
    for found in (missed, ev.equal_error_rate_by_identity(*search)):
        assert (found.low, found.estimate) == (0, 0)
        assert found.high == pytest.approx(binomtest(0, 5).proportion_ci(0.95, "exact").high)


def test_an_equal_error_rate_without_a_genuine_error_has_room_for_one():
    """Some impostors lie above all genuine pairs; that none of these is missed says little."""
    scores = np.where(np.eye(20, dtype=bool), 1.0, 0.5)
    scores[np.arange(0, 16, 2), np.arange(1, 17, 2)] = 1.1
    found = ev.equal_error_rate_by_identity(scores, np.arange(20), np.arange(20))
    assert 0 < found.low < found.estimate == pytest.approx(8 / 380 / 2)
    assert found.high == pytest.approx(binomtest(0, 20).proportion_ci(0.95, "exact").high)


def test_of_thresholds_that_are_equally_good_the_lowest_is_taken():
    """Counted in fractions: rounding tells 1 − 3/7 and 4/7 apart."""
    rng = np.random.default_rng(0)
    for _ in range(500):
        genuine, impostor = rng.random(rng.integers(1, 9)), rng.random(rng.integers(1, 50)) * 1.2
        thresholds = sorted([*genuine, *impostor])
        apart = [
            abs(Fraction(int(sum(impostor >= at)), len(impostor))
                - Fraction(int(sum(genuine < at)), len(genuine)))
            for at in thresholds
        ]  # fmt: skip
        lowest = thresholds[apart.index(min(apart))]
        assert ev.equal_error_rate(genuine, impostor).threshold == lowest


def test_a_paired_difference_leaves_the_same_identities_out_of_both_settings():
    """For a mean, which is linear, it must be the interval of the difference of the scores."""
    scores, ids = leave_one_out(1)
    other = np.where(np.isnan(scores), np.nan, np.random.default_rng(2).normal(size=scores.shape))

    def mean(scores, query_ids, gallery_ids):
        genuine, impostor = ev.genuine_impostor_scores(scores, query_ids, gallery_ids)
        return (np.sum(genuine) + np.sum(impostor)) / (len(genuine) + len(impostor))

    paired = ev.paired_difference(mean, scores, other, ids, ids, rate=False)
    direct = ev.jackknife_by_identity(mean, scores - other, ids, ids, rate=False)
    found = (paired.estimate, paired.low, paired.high)
    assert found == pytest.approx((direct.estimate, direct.low, direct.high))
    assert paired.low < paired.estimate < paired.high


def test_a_paired_difference_of_rates_has_the_interval_of_half_of_it_and_a_half():
    """Which is a rate; of both scores at once, as a complex number."""
    scores, *ids = random_search(4, queries=60, identities=12)
    other = random_search(5, queries=60, identities=12)[0]

    def half(both, *ids):
        return (1 + recall(both.real, *ids) - recall(both.imag, *ids)) / 2

    found = ev.paired_difference(recall, scores, other, *ids)
    rate = ev.jackknife_by_identity(half, scores + 1j * other, *ids)
    assert found.estimate == pytest.approx(recall(scores, *ids) - recall(other, *ids))
    assert (found.low, found.high) == pytest.approx((2 * rate.low - 1, 2 * rate.high - 1))


def test_pairing_narrows_the_interval_when_both_settings_find_the_same_pets_hard():
    scores, query_ids, gallery_ids = random_search(4, queries=60, identities=12)
    hard = scores - 2 * (query_ids[:, None] == gallery_ids) * (query_ids[:, None] % 2)
    shifted = hard + np.random.default_rng(0).normal(0, 0.1, hard.shape)
    one, other, paired = (
        call(recall, *search, query_ids, gallery_ids)
        for call, search in (
            (ev.jackknife_by_identity, [shifted]),
            (ev.jackknife_by_identity, [hard]),
            (ev.paired_difference, [shifted, hard]),
        )
    )
    apart = np.hypot(one.high - one.low, other.high - other.low)
    assert paired.high - paired.low < apart / 2


# Mistakes


def test_a_query_without_a_genuine_photo_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="'stranger'"):
        ev.recall_at_k([[0.1]], ["stranger"], ["a"])


def test_ids_that_do_not_fit_the_scores_are_an_error_that_says_both():
    with pytest.raises(ValueError, match=r"shape \(1, 1\).* 2 queries"):
        ev.recall_at_k([[0.1]], ["a", "b"], ["a"])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: ev.recall_at_k([[0.1]], ["a"], ["a"], k=0), "k=0"),
        (lambda: ev.fmr_fnmr([], [0.1]), "0 genuine"),
        (lambda: ev.fmr_fnmr([0.1], [np.nan]), "impostor"),
        (lambda: ev.d_prime([0.5], [0.5]), "vary"),
        (lambda: ev.exceedance([], 0.5), "0 impostor"),
        (lambda: ev.jackknife_by_identity(recall, [[0.1]], ["a"], ["a"]), "1 identity"),
        (lambda: intervals.jackknife_interval(1.2, [0.4, 0.5, 0.6], 3), "of 1.20: expected a rate"),
    ],
)
def test_numbers_without_meaning_are_refused(call, told):
    with pytest.raises(ValueError, match=told):
        call()


def test_a_pair_that_one_setting_leaves_out_is_left_out_of_both():
    scores, ids = leave_one_out(1)
    other = scores.copy()
    other[0, 1:20] = np.nan
    found = ev.paired_difference(recall, scores, other, ids, ids)
    assert found.estimate == 0


def test_two_identities_have_no_interval():
    scores, ids = [[0.9, 0.2], [0.1, 0.8]], ["a", "b"]
    found = ev.jackknife_by_identity(
        lambda *some: ev.equal_error_rate(*ev.genuine_impostor_scores(*some)).rate, scores, ids, ids
    )
    assert found.estimate == 0 and np.isnan([found.low, found.high]).all()


def test_exceedance_passes_over_a_pair_left_out_and_thresholds_ascend():
    assert ev.exceedance([[np.nan, 0.7], [0.2, 0.1]], 0.6) == 0.5
    assert ev.fmr_fnmr([0.9], [0.1], [0.8, 0.2]).thresholds.tolist() == [0.2, 0.8]
    with pytest.raises(ValueError, match="shape"):
        ev.recall_at_k(np.empty((0, 2)), [], ["a", "b"])
    assert str(intervals.Interval(-0.001, -0.002, 0.5)) == "0.00 [0.00, 0.50]"
