"""Training pets: a coat laid over a bare one has its colours, in the light that was there."""

import numpy as np
import pytest

from tools import coat_pets
from tools.pets.anatomy import PART, make_build
from tools.pets.coat import BARE, coat_colour

SIDE = 40


@pytest.fixture(scope="module")
def layers():
    """A flank in even light, half as bright as its colour, before a bright wall."""
    body = coat_pets.bodies()[0]
    build = make_build(body)
    along, up = np.meshgrid(np.linspace(-0.2, 0.2, SIDE), np.linspace(0.9, 0.5, SIDE) * build.leg)
    rest = np.stack([np.full_like(along, build.chest), along, up + build.chest], 2)
    coated = np.zeros((SIDE, SIDE))
    coated[8:-8, 8:-8] = 1
    light = np.where(coated[..., None] > 0, 0.5 * BARE, 0.9) * np.ones(3)
    return {
        "linear": light.astype(np.float16),
        "rest": (rest * coated[..., None]).astype(np.float16),
        "coated": coated.astype(np.float16),
        "labels": (coated * PART["torso"]).astype(np.uint8),
        "meter": 1.0,
    }


def test_litter_mates_share_kind_and_palette_and_differ_in_markings():
    pets = coat_pets.litter(3)
    assert len({pet.name for pet in pets}) == len({pet.marking_seed for pet in pets}) == len(pets)
    for one, mate in zip(pets[::2], pets[1::2], strict=True):
        assert (one.coat, one.build_seed) == (mate.coat, mate.build_seed)
    assert len({pet.coat for pet in pets}) == len({pet.build_seed for pet in pets}) == 4


def test_no_coated_pet_is_a_shipped_one():
    from tools.pets.plan import make_pets
    from tools.render_pets import SHIPPED

    shipped = make_pets(SHIPPED["pets"], SHIPPED["seed"], SHIPPED["pairs"], SHIPPED["strangers"])
    seeds = {seed for pet in shipped for seed in (pet.build_seed, pet.marking_seed)}
    coated = [pet for number in range(len(coat_pets.bodies())) for pet in coat_pets.litter(number)]
    assert not seeds & {seed for pet in coated for seed in (pet.build_seed, pet.marking_seed)}
    assert len({pet.marking_seed for pet in coated}) == len(coated)


def test_a_coat_takes_the_light_of_the_bare_pet(layers):
    body, pet = coat_pets.bodies()[0], coat_pets.litter(0)[0]
    build = make_build(body)
    laid = coat_pets.lay_coat(layers, coat_pets.at_rest(layers), pet, build)
    inside = np.zeros((SIDE, SIDE), bool)
    inside[10:-10, 10:-10] = True  # the edge mixes the places of its neighbours
    part = np.full(inside.sum(), PART["torso"])
    rest = layers["rest"][inside].astype(float)
    colour = coat_colour(pet, build, rest, part)
    assert np.median(np.abs(laid[inside] - 0.5 * colour)) < 0.02
    assert np.abs(colour - BARE).mean() > 0.1  # so that doing nothing would not pass
    wall = layers["coated"] == 0
    assert np.array_equal(laid[wall], layers["linear"][wall].astype(np.float32))


def test_a_photo_shows_colours_and_mask(layers):
    pet, body = coat_pets.litter(0)[2], coat_pets.bodies()[0]
    light = coat_pets.lay_coat(layers, coat_pets.at_rest(layers), pet, make_build(body))
    photo = coat_pets.take_photo(light, layers, "noon", np.random.default_rng(0))
    assert photo.shape == (SIDE, SIDE, 4) and photo.dtype == np.uint8
    assert np.array_equal(photo[..., 3] == 255, layers["labels"] > 0)
