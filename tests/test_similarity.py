"""Cosine similarity, and the nearest neighbours by it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics.pairwise import cosine_similarity as reference

from vitsim.similarity import SAME, cosine_similarity, normalise, top_k

numbers = st.floats(-100, 100, width=32)
rows = st.tuples(st.integers(1, 12), st.just(5)).flatmap(
    lambda shape: arrays("f4", shape, elements=numbers)
)
directions = rows.filter(lambda a: (np.linalg.norm(a, axis=1) > 1e-3).all())
# A few values only: exact ties abound.
coarse = (
    st.tuples(st.integers(1, 40), st.just(3))
    .flatmap(lambda shape: arrays("i1", shape, elements=st.integers(-1, 1)))
    .filter(lambda a: a.any(axis=1).all())
)


def unit(shape, seed=0) -> np.ndarray:
    return normalise(np.random.default_rng(seed).normal(size=shape))


@given(directions, directions)
def test_cosine_agrees_with_scikit_learn(a, b):
    assert np.allclose(
        cosine_similarity(a, b), reference(a.astype(float), b.astype(float)), atol=1e-5
    )


@given(directions)
def test_cosine_lies_between_minus_one_and_one_and_is_one_with_itself(a):
    scores = cosine_similarity(a, np.concatenate([a, -a]))
    assert scores.dtype == np.float32
    assert scores.min() >= -1 and scores.max() <= 1
    assert np.allclose(np.diag(scores), 1, atol=1e-6)
    assert np.allclose(np.diag(scores[:, len(a) :]), -1, atol=1e-6)


@given(directions, st.floats(0.01, 1000))
def test_cosine_does_not_depend_on_length(a, factor):
    assert np.allclose(cosine_similarity(a * factor, a), cosine_similarity(a, a), atol=1e-5)


@pytest.mark.parametrize("bad", [0, np.nan, np.inf])
def test_a_vector_without_direction_is_refused(bad):
    vectors = np.array([[1, 2], [bad, bad]])
    with pytest.raises(ValueError, match="no direction"):
        normalise(vectors)
    with pytest.raises(ValueError, match="no direction"):
        cosine_similarity(vectors, np.eye(2))


@settings(deadline=None)
@given(coarse, st.integers(1, 45), st.integers(0, 39))
def test_top_k_is_the_start_of_a_full_sort_with_ties_by_index(vectors, k, which):
    vectors = normalise(vectors)
    query = vectors[which % len(vectors)]
    found, scores = top_k(query, vectors, k)
    exact = (vectors.astype(float) @ query.astype(float)).round(5)
    wanted = sorted(range(len(vectors)), key=lambda i: (-exact[i], i))[:k]
    assert found.tolist() == wanted
    assert np.allclose(scores, exact[wanted], atol=2e-5)


@pytest.mark.parametrize("k", [1, 4, 100, 999, 1000])
def test_top_k_of_many_vectors_equals_a_full_sort(k):
    vectors, query = unit((1000, 32)), unit((1, 32), 1)[0]
    found, scores = top_k(query, vectors, k)
    exact = vectors.astype(float) @ query.astype(float)
    assert np.abs(exact[found] - np.sort(exact)[::-1][:k]).max() <= SAME
    assert (np.diff(exact[found]) <= SAME).all()
    assert scores == pytest.approx(exact[found], abs=1e-6)
    assert len(set(found)) == k


@pytest.mark.parametrize("k", [1, 3, 99, 100, 200])
def test_all_equal_vectors_come_in_their_own_order(k):
    vectors = np.repeat(unit((1, 16)), 100, axis=0)
    assert top_k(vectors[0], vectors, k)[0].tolist() == list(range(min(k, 100)))


def test_a_tie_over_the_border_is_decided_by_the_lower_index():
    first, second = unit((2, 8))
    vectors = np.stack([second, *[first] * 50, second])
    assert top_k(first, vectors, 7)[0].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_a_chain_of_near_scores_is_not_one_tie():
    """Each a tie with the next, the last 5 × 10⁻³ above the first."""
    angles = np.arccos(0.9 - 0.8 * SAME * np.arange(6000)[::-1])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found, scores = top_k(np.array([1, 0]), vectors, 4)
    assert set(found) <= set(range(5990, 6000)) and scores[0] - scores[-1] < 5 * SAME
    assert scores[0] > 0.9 - 2 * SAME
    scores = top_k(np.array([1, 0]), vectors, np.int64(3000))[1]
    assert len(scores) == 3000 and (np.diff(scores) <= SAME).all()


def test_an_empty_gallery_has_no_neighbours():
    found, scores = top_k(unit((1, 8))[0], np.empty((0, 8), np.float32), 4)
    assert found.shape == scores.shape == (0,)


@pytest.mark.parametrize("k", [0, -1])
def test_fewer_than_one_neighbour_is_refused(k):
    with pytest.raises(ValueError, match="at least 1"):
        top_k(np.ones(8), unit((3, 8)), k)


def test_a_query_of_another_dimension_is_refused():
    with pytest.raises(ValueError, match="7 dimensions against vectors of 8"):
        top_k(np.ones(7), unit((3, 8)), 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_query_that_is_no_number_is_refused_not_answered(bad):
    with pytest.raises(ValueError, match="non-finite"):
        top_k(np.array([1, bad]), unit((3, 2)), 1)


def test_vectors_mapped_from_disk_and_other_number_types_give_the_same(tmp_path):
    vectors = unit((50, 8))
    np.save(tmp_path / "v.npy", vectors)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    wanted = top_k(vectors[7], vectors, 5)
    for other in (mapped, vectors.astype(np.float64), np.asfortranarray(vectors), vectors[::1]):
        found, scores = top_k(vectors[7].astype(np.float64), other, 5)
        assert found.tolist() == wanted[0].tolist()
        assert scores == pytest.approx(wanted[1], abs=1e-6)


def test_scores_never_exceed_one():
    vectors = unit((200, 700))
    assert all(top_k(vector, vectors, 1)[1][0] <= 1 for vector in vectors[:50])
