"""The share of corresponding patches on the same body part is counted as it should be."""

import numpy as np
import pytest
from evaluate_parts import View, agreement, judge_parts, pixel_tokens
from PIL import Image

from vitsim import datasets


def view(part: list, seed: int = 0) -> View:
    """A photo of 2 x 2 patches of random tokens, all covered."""
    tokens = np.random.default_rng(seed).normal(size=(2, 2, 8))
    return View(tokens, np.ones((2, 2)), np.array(part))


def test_a_photo_agrees_with_itself_and_chance_is_counted_over_all_pairs():
    same = view([[1, 1], [1, 5]])
    assert agreement(same, same) == pytest.approx([4, 4, 4 * (9 + 1) / 16, 4, 4])


def test_pairs_on_other_parts_do_not_count():
    assert agreement(view([[1, 2], [3, 4]]), view([[1, 2], [4, 3]]))[:2].tolist() == [2, 4]


def test_patches_outside_the_pet_count_for_nothing():
    one = view([[1, 1], [1, 5]])
    bare = View(one.tokens, np.zeros((2, 2)), one.part)
    assert agreement(one, bare).tolist() == [0, 0, 0, 0, 0]


def test_the_same_place_need_not_be_the_same_part():
    assert agreement(view([[1, 2], [3, 4]]), view([[1, 2], [4, 3]]))[3:].tolist() == [2, 4]


def test_tokens_that_tell_nothing_agree_by_chance(monkeypatch):
    rng, every = np.random.default_rng(0), datasets.pets

    def four_pets(*which):
        pets = every(*which)
        return pets[pets["pet"].isin(["dog_001", "dog_002", "cat_003", "cat_004"])]

    monkeypatch.setattr(datasets, "pets", four_pets)
    told = judge_parts(lambda photo: rng.normal(size=(14, 14, 64)))
    assert abs(told["same body part, difference"].estimate) < 0.04
    for kind in ("one pet", "two pets"):
        blind = told[f"same body part by chance, {kind}"].estimate
        assert told[f"same body part, {kind}"].estimate == pytest.approx(blind, abs=0.04)


def test_a_patch_of_pixels_is_not_moved():
    photo = Image.new("RGB", (112, 112))
    photo.paste((255, 255, 255), (16, 8, 24, 16))  # row 1, column 2
    bright = pixel_tokens(photo).mean(axis=2)
    assert np.unravel_index(bright.argmax(), bright.shape) == (1, 2)
