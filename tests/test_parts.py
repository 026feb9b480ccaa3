"""Which patch belongs to which: mutual nearest neighbours, masks, ties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vitsim.background import cut_out
from vitsim.parts import correspondences, patch_coverage, patch_detail, patch_parts
from vitsim.similarity import cosine_similarity

seeds = st.integers(0, 2**32 - 1)


def tokens(rows: int, columns: int, d: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, columns, d)).astype(np.float32)


def test_every_patch_of_a_photo_belongs_to_itself():
    same = tokens(5, 5)
    found = correspondences(same, same)
    assert len(found) == 25
    assert np.array_equal(found.a, found.b)
    assert sorted(map(tuple, found.a.tolist())) == [(r, c) for r in range(5) for c in range(5)]
    assert found.scores == pytest.approx(1, abs=1e-6)


def test_the_length_of_a_token_does_not_matter():
    same = tokens(4, 4)
    longer = same * np.linspace(0.1, 9, 16).reshape(4, 4, 1)
    assert np.array_equal(correspondences(same, longer).b, correspondences(same, same).b)


@given(seeds)
def test_shuffled_patches_are_found_where_they_went(seed):
    rng = np.random.default_rng(seed)
    first = tokens(4, 4, seed=seed)
    went = rng.permutation(16)
    second = np.empty_like(first).reshape(16, -1)
    second[went] = first.reshape(16, -1)
    found = correspondences(first, second.reshape(4, 4, -1))
    assert len(found) == 16
    assert np.array_equal(went[found.a @ [4, 1]], found.b @ [4, 1])


@settings(deadline=None)
@given(seeds, st.integers(1, 6), st.integers(1, 6), st.integers(1, 40))
def test_each_of_a_pair_is_the_best_of_the_other_and_the_best_pairs_come_first(seed, g, h, k):
    first, second = tokens(g, h, 3, seed), tokens(h, g, 3, seed + 1)
    scores = cosine_similarity(first.reshape(g * h, 3), second.reshape(g * h, 3))
    every, found = correspondences(first, second), correspondences(first, second, k=k)
    mine, yours = found.a @ [h, 1], found.b @ [g, 1]
    assert len(found) == min(k, len(every))
    assert np.array_equal(found.a, every.a[:k]) and np.array_equal(found.b, every.b[:k])
    assert np.all(scores[mine, yours] >= scores[mine].max(axis=1) - 1e-6)
    assert np.all(scores[mine, yours] >= scores[:, yours].max(axis=0) - 1e-6)
    assert np.array_equal(found.scores, scores[mine, yours])
    assert np.all(np.diff(found.scores) <= 1e-6)
    assert len(set(mine)) == len(set(yours)) == len(found), "a patch has one partner"
    of_row, of_column = scores > scores.max(1, keepdims=True) - 2e-6, scores > scores.max(0) - 2e-6
    lone = of_row & (of_row.sum(1, keepdims=True) == 1) & of_column & (of_column.sum(0) == 1)
    pairs = set(zip(every.a @ [h, 1], every.b @ [g, 1], strict=True))
    assert pairs >= set(zip(*np.nonzero(lone), strict=True)), "no pair is missing"


def test_a_one_sided_liking_is_no_pair():
    first = np.array([[[1, 0], [0.9, 0.1]]])  # both like the one patch there is
    found = correspondences(first, np.array([[[1, 0.01]]]))
    assert found.a.tolist() == [[0, 0]] and found.b.tolist() == [[0, 0]]


def test_only_patches_covered_by_half_take_part():
    same = tokens(3, 3)
    a_mask, b_mask = np.zeros((3, 3)), np.ones((3, 3))
    a_mask[0], b_mask[:, 1] = [0.5, 1, 0.49], 0.49
    found = correspondences(same, same, a_mask, b_mask)
    assert found.a.tolist()[0] == found.b.tolist()[0] == [0, 0], "half is enough"
    assert not {(0, 2), (1, 1)} & set(map(tuple, found.a.tolist())), "less than half is not"
    assert 1 not in found.b[:, 1], "nor in the other photo"


def test_a_masked_patch_does_not_keep_others_from_finding_each_other():
    rival = np.array([[[1.0, 0], [0.8, 0.6]]])
    asked = np.array([[[0.9, 0.1]]])
    assert correspondences(asked, rival).b.tolist() == [[0, 0]]
    assert correspondences(asked, rival, b_mask=np.array([[False, True]])).b.tolist() == [[0, 1]]


def test_under_an_empty_mask_nothing_corresponds():
    found = correspondences(tokens(2, 2), tokens(2, 2), b_mask=np.zeros((2, 2)))
    assert len(found) == 0 and found.a.shape == found.b.shape == (0, 2)


def test_equal_patches_are_paired_from_the_upper_left():
    flat = np.ones((3, 3, 4), np.float32)
    flat[1:] *= 1 + 1e-7  # a difference as another machine might make
    found = correspondences(flat, flat)
    assert found.a.tolist() == found.b.tolist() == [[0, 0]]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        correspondences(tokens(2, 2), tokens(2, 2), k=0)
    with pytest.raises(ValueError, match="16 and of 8 dimensions"):
        correspondences(tokens(2, 2), tokens(2, 2, 8))
    with pytest.raises(ValueError, match=r"\(rows, columns, d\)"):
        correspondences(np.ones((4, 8)), tokens(2, 2, 8))
    with pytest.raises(ValueError, match="a mask of shape"):
        correspondences(tokens(2, 2), tokens(2, 2), np.ones((3, 3)))
    with pytest.raises(ValueError, match="no direction"):
        correspondences(np.zeros((2, 2, 4)), tokens(2, 2, 4))


def test_coverage_is_the_share_of_each_patch():
    mask = Image.new("1", (64, 64))
    mask.paste(1, (0, 0, 32, 64))
    mask.paste(0, (0, 0, 8, 16))  # half of the upper left patch
    covered = patch_coverage(mask, 4)
    assert covered.shape == (4, 4)
    assert covered[0].round(2).tolist() == [0.5, 1, 0, 0]
    assert np.array_equal(covered[1:].round(2), [[1, 1, 0, 0]] * 3)


def test_coverage_is_letterboxed_like_the_photo():
    wide = patch_coverage(Image.new("L", (80, 40), 255), 4)
    assert wide.round(2).tolist() == [[0] * 4, [1] * 4, [1] * 4, [0] * 4]


def test_a_patch_has_the_part_that_fills_most_of_it():
    numbers = np.zeros((32, 32), np.uint8)
    numbers[:16, :16], numbers[:16, 10:16] = 4, 7  # more of 4 than of 7
    numbers[16:, :4] = 9  # more background than 9: still the only part there is
    assert patch_parts(Image.fromarray(numbers, "P"), 2).tolist() == [[4, 0], [9, 0]]


def test_a_map_without_parts_gives_none():
    assert not patch_parts(Image.new("P", (30, 20)), 3).any()


def test_only_patches_with_something_on_them_have_detail():
    noise = np.random.default_rng(0).integers(0, 256, (64, 32, 3), dtype=np.uint8)
    mask = Image.new("L", (32, 64), 0)
    mask.paste(255, (0, 0, 32, 32))
    alone = cut_out(Image.fromarray(noise), mask)
    assert patch_detail(alone, 4).tolist() == [[False, True, True, False]] * 2 + [[False] * 4] * 2


@pytest.mark.parametrize(("levels", "shows"), [(15, False), (16, True)])
def test_a_patch_of_fewer_than_16_levels_is_flat(levels, shows):
    photo = Image.new("RGB", (16, 16), (100, 100, 100))
    photo.putpixel((8, 8), (100, 100 + levels, 100))
    assert patch_detail(photo, 1).tolist() == [[shows]]
