"""Lay many coats over each bare pet that `render_pets.py --train` rendered, for training.

    python tools/coat_pets.py                       build/coated, about 30 photos a second

To render a photo takes seconds; to lay another coat over one takes a 25th of a second. A bare pet
is all of one grey, and it is known for every pixel where on the resting body it lies. There the
program that colours the shipped pets says what colour another pet would have, and the light of the
pixel is multiplied by the ratio. Exposure, tone and quality come after that, as in a photo.

One file a body, `litter_00000.npy`: (pets, photos, 160, 160, 4) uint8, colours and mask. The body,
its poses, places and lights are the same for all of its pets. They come in pairs of litter-mates,
which share the kind of coat and the palette and differ in their markings; other pairs have another
kind and palette. Stop it at any time: it goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import os
import sys
from functools import cache
from pathlib import Path

import numpy as np
from scipy.ndimage import distance_transform_edt, uniform_filter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools.pets.anatomy import Build, make_build  # noqa: E402
from tools.pets.coat import BARE, coat_colour  # noqa: E402
from tools.pets.photo import degrade, expose  # noqa: E402
from tools.pets.plan import COATS, QUALITIES, Pet, make_pets  # noqa: E402
from tools.render_pets import TRAINING  # noqa: E402
from tools.workers import helpers  # noqa: E402

PETS = 8  # of one body
SHINE = 0.015  # what fur reflects whatever its colour: a black cat is not black


@cache
def bodies() -> list[Pet]:
    """The bare pets, in the order of their litters' numbers."""
    return make_pets(TRAINING["pets"], TRAINING["seed"], TRAINING["pairs"],
                     TRAINING["strangers"], train=True)  # fmt: skip


def litter(number: int, turn: int = 0) -> list[Pet]:
    """Eight pets of one body, others at every turn; the very first has the body's own palette."""
    body = bodies()[number]
    kinds = [kind for kind in COATS[body.species] if kind != "plain"]  # nothing to tell mates by
    kinds = np.random.default_rng(body.marking_seed).permutation(kinds)
    return [
        dataclasses.replace(
            body,
            name=f"litter_{number:05d}_{i}",
            coat=str(kinds[i // 2 % len(kinds)]),
            build_seed=body.build_seed + 1_000_000_000 * (i // 2),
            marking_seed=body.marking_seed + 1_000_000_000 * (i + 1),
        )
        for i in range(PETS * turn, PETS * (turn + 1))
    ]


def at_rest(layers: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each coated pixel lies on the resting body (n, 3), its part (n,), which they are."""
    coated = layers["coated"].astype(np.float32)
    rest, here = layers["rest"].astype(np.float32), coated > 0.02
    own = rest / np.maximum(coated, 1e-3)[..., None]
    share = np.maximum(uniform_filter(coated, 3), 1e-6)[..., None]
    smooth = uniform_filter(rest, (3, 3, 0)) / share
    # hairs of one pixel lie apart; but not as far apart as an ear and the back behind it
    near = np.linalg.norm(smooth - own, axis=2, keepdims=True) < 0.1
    nearest = distance_transform_edt(
        layers["labels"] == 0, return_distances=False, return_indices=True
    )
    part = layers["labels"][tuple(nearest)]  # of a hair that sticks out: the part next to it
    return np.where(near, smooth, own)[here].astype(float), part[here], here


def lay_coat(layers: dict[str, np.ndarray], places: tuple, pet: Pet, build: Build) -> np.ndarray:
    """Linear light (h, w, 3) of the bare pet, coloured as this one; `places` are from `at_rest`."""
    rest, part, here = places
    colour = coat_colour(pet, build, rest, part)
    ratio = (colour + SHINE) / (BARE + SHINE)
    light = layers["linear"].astype(np.float32)
    light[here] *= 1 + layers["coated"][here].astype(np.float32)[:, None] * (ratio - 1)
    return light


def take_photo(light: np.ndarray, layers: dict[str, np.ndarray], kind: str, rng) -> np.ndarray:
    """(h, w, 4) uint8 colours and mask, exposed and degraded as `scene.develop` does it."""
    mask = layers["labels"] > 0
    shown = expose(light, mask, kind, float(layers["meter"]))
    quality = "sharp" if rng.random() < 0.6 else str(rng.choice(QUALITIES[1:]))
    return np.dstack([np.asarray(degrade(shown, quality, rng)), mask.astype(np.uint8) * 255])


def coat_litter(job: tuple[int, list[tuple[Path, str]], Path]) -> None:
    """All photos of all pets of one body, moved into place when they are whole."""
    number, files, out = job
    path = out / f"litter_{number:05d}.npy"
    if path.exists():
        return
    body = bodies()[number]
    build, rng = make_build(body), np.random.default_rng(body.marking_seed + 1)
    shots = [(dict(np.load(file)), kind) for file, kind in files]
    shots = [(layers, at_rest(layers), kind) for layers, kind in shots]
    photos = [
        [take_photo(lay_coat(layers, places, pet, build), layers, kind, rng)
         for layers, places, kind in shots]
        for pet in litter(number)
    ]  # fmt: skip
    part = path.with_suffix(f".{os.getpid()}.part")
    with open(part, "wb") as file:
        np.save(file, np.array(photos))
    os.replace(part, path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bare", type=Path, default=ROOT / "build" / "bare")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "coated")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if not (args.bare / "photos.csv").exists():
        raise SystemExit(f"{args.bare}: no bare pets; render_pets.py --train makes them")
    shots: dict[str, list[tuple[Path, str]]] = {body.name: [] for body in bodies()}
    with open(args.bare / "photos.csv") as file:
        for row in csv.DictReader(file):
            shots[row["pet"]].append((args.bare / row["photo"], row["light"]))
    jobs = [(number, files, args.out) for number, files in enumerate(shots.values())
            if files and all(file.exists() for file, _ in files)]  # fmt: skip
    if not jobs:
        raise SystemExit(f"{args.bare}: no pet is whole yet; render_pets.py --train goes on")
    with helpers(args.workers) as pool:
        for done, _ in enumerate(pool.map(coat_litter, jobs), 1):
            print(f"\r{done} of {len(jobs)} litters", end="", flush=True)
    print(f"\nwrote {args.out}")


if __name__ == "__main__":
    main()
