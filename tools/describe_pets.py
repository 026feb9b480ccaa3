"""Describe every training pet in numbers, from the program that draws it, for `train_vit.py`.

    python tools/describe_pets.py                   build/pets.npz, about 2 minutes

The mean colour and the contrast of the coat in 27 zones of the body, the proportions, and which
kind of coat, ears, tail and collar. To say these from any photo is easier to learn than who a
pet is, and needs the same eye. Left and right are kept apart; `mirrored` swaps them.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools.coat_pets import bodies, litter  # noqa: E402
from tools.pets import surface  # noqa: E402
from tools.pets.anatomy import PART, make_build, make_limbs  # noqa: E402
from tools.pets.coat import coat_colour  # noqa: E402
from tools.pets.plan import COATS, COLLARS, EARS, TAILS, Pet, make_pets  # noqa: E402
from tools.workers import helpers  # noqa: E402

# part: how many zones, by the signs of these axes at rest (x: left and right)
SPLITS = {
    "torso": "xyz", "head": "xz", "ear": "x", "muzzle": "", "neck": "y", "tail": "y",
    "front_leg_left": "z", "front_leg_right": "z", "hind_leg_left": "z", "hind_leg_right": "z",
}  # fmt: skip
ZONES = [(part, k) for part, axes in SPLITS.items() for k in range(2 ** len(axes))]
KINDS = [
    sorted({*COATS["dog"], *COATS["cat"]}), sorted({*EARS["dog"], *EARS["cat"]}),
    sorted({*TAILS["dog"], *TAILS["cat"]}), sorted({c for c in COLLARS if c}), ["cat"],
]  # fmt: skip


def mirror_order() -> np.ndarray:
    """Where each number of `describe` comes from in the mirrored pet."""
    order = []
    for part, k in ZONES:
        if "x" in SPLITS[part]:  # x is the highest bit
            order.append(ZONES.index((part, k ^ 2 ** (len(SPLITS[part]) - 1))))
        else:
            swapped = {"left": "right", "right": "left"}.get(part.split("_")[-1], "")
            other = "_".join([*part.split("_")[:-1], swapped]) if swapped else part
            order.append(ZONES.index((other, k)))
    colours = [4 * zone + channel for zone in order for channel in range(4)]
    rest = len(dataclasses.fields(make_build(make_pets(2, 1, 1, 0, True)[0])))
    rest += sum(len(kinds) for kinds in KINDS)
    return np.array([*colours, *range(len(colours), len(colours) + rest)])


def describe(pets: list[Pet]) -> np.ndarray:
    """(pets, numbers) of the pets of one body, the first one's."""
    surface.CELL = 0.05
    build = make_build(pets[0])
    body = surface.make_body(make_limbs(pets[0], build))
    numbers = []
    for pet in pets:
        colour = np.cbrt(coat_colour(pet, build, body.rest, body.part))
        row = []
        for part, k in ZONES:
            here = body.part == PART[part]
            middle = np.median(body.rest[here], 0) if here.any() else np.zeros(3)
            middle[0] = 0  # left and right are of the body, not of the part
            for bit, axis in enumerate(reversed(SPLITS[part])):
                beyond = body.rest[:, "xyz".index(axis)] > middle["xyz".index(axis)]
                here &= beyond == bool(k >> bit & 1)
            seen = colour[here] if here.any() else colour
            row += [*seen.mean(0), seen.mean(1).std()]
        row += [float(getattr(build, field.name)) for field in dataclasses.fields(build)]
        for kinds, one in zip(KINDS, (pet.coat, pet.ears, pet.tail, pet.collar, pet.species),
                              strict=True):  # fmt: skip
            row += [float(kind == one) for kind in kinds]
        numbers.append(row)
    return np.array(numbers, np.float32)


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    groups = [litter(number) for number in range(len(bodies()))]
    with helpers() as pool:
        numbers = np.concatenate(list(pool.map(describe, groups, chunksize=8)))
    numbers -= numbers.mean(0)
    numbers /= numbers.std(0) + 1e-3
    names = np.array([pet.name for group in groups for pet in group])
    np.savez(ROOT / "build" / "pets.npz", names=names, numbers=numbers, mirror=mirror_order())
    print(f"described {len(names)} pets by {numbers.shape[1]} numbers each")


if __name__ == "__main__":
    main()
