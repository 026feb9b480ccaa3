"""Which pets, which photos: everything decided from seeds before anything is rendered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

COLUMNS = [
    "photo", "mask", "parts", "pet", "species", "litter", "coat", "azimuth_deg", "elevation_deg",
    "distance", "light", "place", "quality", "split", "role", "seed",
]  # fmt: skip
LIGHTS = ["noon", "golden_hour", "overcast", "indoor_lamp", "flash_night"]
PLACES = ["lawn", "tiles", "sofa_room", "street", "flood_water"]
QUALITIES = ["sharp", "motion_blur", "low_light_noise", "strong_jpeg", "small_upscaled"]
COATS = {
    "dog": ["plain", "bicolour", "tuxedo", "patches", "spots", "merle", "socks", "mask", "saddle"],
    "cat": ["plain", "bicolour", "tuxedo", "patches", "tabby", "calico", "socks", "points"],
}
COLLARS = [None, None, "red", "blue", "yellow", "green", "pink", "white"]
EARS = {"dog": ["prick", "flop", "flop", "button"], "cat": ["prick"]}
TAILS = {"dog": ["sabre", "curl", "plume", "bob"], "cat": ["up", "low", "hook"]}
GALLERY_PHOTOS = 3


@dataclass(frozen=True)
class Pet:
    """One individual: what stays the same on every photo of it."""

    name: str
    species: str
    litter: str  # "" when it has no litter-mate
    coat: str  # one of COATS; "bare" for training, where `tools/coat_pets.py` lays others over
    build_seed: int  # litter-mates share it: proportions, ears, tail, palette, eyes
    marking_seed: int  # never shared: where the patches, stripes and socks are
    ears: str
    tail: str
    collar: str | None
    split: str
    stranger: bool


def _pet(
    name: str, species: str, litter: str, seeds: tuple[int, int], group: tuple, turn: int
) -> Pet:
    """Draw the traits of one individual from its build seed; coats are dealt out in turn."""
    rng = np.random.default_rng(seeds[0])
    # A plain coat leaves litter-mates nothing to be told apart by.
    coats = [c for c in COATS[species] if c != "plain" or not litter]
    collar = COLLARS[rng.integers(len(COLLARS))]
    return Pet(
        name=name,
        species=species,
        litter=litter,
        coat="bare" if group[0] == "train" else coats[turn % len(coats)],
        build_seed=seeds[0],
        marking_seed=seeds[1],
        ears=EARS[species][rng.integers(len(EARS[species]))],
        tail=TAILS[species][rng.integers(len(TAILS[species]))],
        collar=None if litter else collar,
        split=group[0],
        stranger=group[1],
    )


def _splits(n_pets: int, n_paired: int, n_strangers: int, train: bool) -> list[tuple[str, bool]]:
    """Split and stranger flag of each pet; a litter pair (2i, 2i+1) is never separated."""
    if train:
        return [("train", False)] * n_pets
    groups = []
    for i in range(n_pets):
        unit = i // 2 if i < n_paired else i
        stranger = i >= n_pets - n_strangers
        groups.append(("dev" if unit % 3 == 1 else "test", stranger))
    return groups


def make_pets(
    n_pets: int, seed: int, n_pairs: int = 8, n_strangers: int = 10, train: bool = False
) -> list[Pet]:
    """Individuals in a fixed order: litter pairs first, strangers last; dogs and cats in turn."""
    if n_pets < 2 * n_pairs + n_strangers:
        raise ValueError(f"{n_pets} pets cannot hold {n_pairs} pairs and {n_strangers} strangers")
    groups = _splits(n_pets, 2 * n_pairs, n_strangers, train)
    counts = {"dog": 0, "cat": 0}
    pets = []
    for i in range(n_pets):
        paired = i < 2 * n_pairs
        unit = i // 2 if paired else i
        species = ("dog", "cat")[unit % 2]
        counts[species] += 1
        prefix = "train_" if train else ""
        name = f"{prefix}{species}_{counts[species]:03d}"
        litter = f"{prefix}litter_{unit + 1:02d}" if paired else ""
        base = 100_000 * seed
        seeds = (base + 2 * (2 * unit if paired else i), base + 2 * i + 1)
        pets.append(_pet(name, species, litter, seeds, groups[i], unit // 2))
    return pets


def _shot_factors(pet: Pet, n_photos: int, rng: np.random.Generator) -> list[dict]:
    """Role, light, place and azimuth of each photo of one pet.

    Gallery and query photos of a pet never share a light or a place, so that no match can be
    made by them; which ones are whose is drawn for each pet.
    """
    lights, places = rng.permutation(LIGHTS), rng.permutation(PLACES)
    start = rng.uniform(0, 360)
    shots = []
    for k in range(n_photos):
        gallery = pet.split != "train" and not pet.stranger and k < GALLERY_PHOTOS
        if pet.split == "train":
            role, pick = "train", slice(0, 5)
        elif pet.stranger:
            role, pick = "stranger", slice(0, 5)
        else:
            role, pick = ("gallery", slice(0, 2)) if gallery else ("query", slice(2, 5))
        step = 120 * k if gallery else 360 * (k - GALLERY_PHOTOS) / (n_photos - GALLERY_PHOTOS)
        if role in ("train", "stranger"):
            step = 360 * 0.381966 * k  # golden angle: even cover however many photos are made
        light = lights[pick][k % len(lights[pick])]
        shots.append({
            "role": role,
            "light": str(light),
            "place": str(rng.choice(places[pick])),
            "azimuth_deg": round((start + step + rng.uniform(-15, 15)) % 360, 1),
            "quality": _quality(rng, 0.75 if gallery else 0.45),
        })  # fmt: skip
    return shots


def _quality(rng: np.random.Generator, p_sharp: float) -> str:
    """Sharp with probability ``p_sharp``, otherwise one of the four degradations."""
    return "sharp" if rng.random() < p_sharp else str(rng.choice(QUALITIES[1:]))


def plan_pet(pet: Pet, n_photos: int) -> list[dict]:
    """The table's rows for one pet; a function of the pet alone. Bare pets have layers, no mask."""
    rng = np.random.default_rng([pet.marking_seed, 7])
    bare = pet.coat == "bare"
    rows = []
    for k, shot in enumerate(_shot_factors(pet, n_photos, rng)):
        stem = f"{pet.name}/{pet.name}_{k:02d}"
        row = {
            "photo": f"{stem}.npz" if bare else f"photos/{stem}.jpg",
            "mask": "" if bare else f"masks/{stem}.png",
            "parts": "" if bare else f"parts/{stem}.png",
            "pet": pet.name,
            "species": pet.species,
            "litter": pet.litter,
            "coat": pet.coat,
            "elevation_deg": round(float(rng.triangular(2, 10, 38)), 1),
            "distance": round(float(rng.uniform(1.0, 1.45)), 2),
            "split": pet.split,
            "seed": int(rng.integers(2**31)),
            **shot,
        }
        rows.append({column: row[column] for column in COLUMNS})
    return rows


def plan(
    n_pets: int = 60,
    photos_per_pet: int = 10,
    seed: int = 2024,
    n_pairs: int = 8,
    n_strangers: int = 10,
    train: bool = False,
) -> list[dict]:
    """All rows of ``photos.csv``; needs no Blender.

    Shipped rows are ordered pet by pet, training rows photo index by photo index: training can
    stop at any time and still hold every pet.
    """
    pets = make_pets(n_pets, seed, n_pairs, n_strangers, train)
    by_pet = [plan_pet(pet, photos_per_pet) for pet in pets]
    if train:
        return [rows[k] for k in range(photos_per_pet) for rows in by_pet]
    return [row for rows in by_pet for row in rows]
