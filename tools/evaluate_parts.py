"""Print how often corresponding patches of two photos lie on the same part of the body.

    python tools/evaluate_parts.py               about a minute for `tiny`

Every query photo of the test pets is compared with the three gallery photos of its own pet, and
with those of all other pets of its species, litter-mates too. All are cut out by their exact
masks. Patches that are each other's most similar (`vitsim.parts`) either lie on the same
part of the body, by the part maps that came with the photos, or not. A patch's part is the one
that fills most of it, background aside; left and right legs are different parts.

Beside them stand chance: how often patches of the same two photos, paired blindly, would agree; and
place: how often those that lie at the same place of both photos do.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from vitsim import datasets
from vitsim.background import cut_out
from vitsim.encoder import Encoder
from vitsim.images import fit, open_photo
from vitsim.intervals import Interval, difference_interval, jackknife_interval
from vitsim.parts import HALF, correspondences, patch_coverage, patch_parts

MAPS = ["photo", "mask", "parts"]  # columns of the table of pets


@dataclass(frozen=True)
class View:
    """One photo as patches: `tokens` (grid, grid, d), `covered` by the pet 0–1, `part` 0–10."""

    tokens: np.ndarray
    covered: np.ndarray
    part: np.ndarray


def pixel_tokens(photo: Image.Image, grid: int = 14) -> np.ndarray:
    """A baseline: the pixels of each patch, 8 x 8 RGB, less the mean of the photo."""
    square = np.asarray(fit(photo, 8 * grid), dtype=np.float32)
    patches = square.reshape(grid, 8, grid, 8, 3).swapaxes(1, 2).reshape(grid, grid, -1)
    return patches - patches.mean(axis=(0, 1)) + 1e-3  # so that no flat patch is a zero vector


def agreement(a: View, b: View) -> np.ndarray:
    """(pairs on the same part, pairs, expected there by chance, as the first two by place).

    By place: patches that lie at the same place of both photos.
    """
    found = correspondences(a.tokens, b.tokens, a.covered, b.covered)
    same = a.part[tuple(found.a.T)] == b.part[tuple(found.b.T)]
    of_a, of_b = a.part[a.covered >= HALF], b.part[b.covered >= HALF]
    blind = np.mean(of_a[:, None] == of_b) if len(found) else 0
    both = (a.covered >= HALF) & (b.covered >= HALF)
    place = np.sum(a.part[both] == b.part[both])
    return np.array([same.sum(), len(found), len(found) * blind, place, both.sum()])


def over_groups(
    figure: Callable[[np.ndarray], float],
    values: np.ndarray,
    groups: np.ndarray,
    interval: Callable[..., Interval] = jackknife_interval,
) -> Interval:
    """`figure` of all `values` `(n, ...)`, with an interval for other groups, such as pets."""
    names = np.unique(groups)
    left_out = [figure(values[groups != one]) for one in names]
    return interval(figure(values), left_out, len(names))


def judge_parts(patch_tokens: Callable[[Image.Image], np.ndarray]) -> dict[str, Interval]:
    """Shares of pairs on the same body part, 0–1, with 95 % intervals over pets.

    `patch_tokens` takes a photo and gives `(grid, grid, d)`.
    """

    @cache
    def view(photo: str, mask: str, parts: str) -> View:
        alone = Image.open(mask)
        tokens = patch_tokens(cut_out(open_photo(photo), alone.convert("L")))
        grid = len(tokens)
        return View(tokens, patch_coverage(alone, grid), patch_parts(Image.open(parts), grid))

    shown, asked = datasets.pets("gallery", "test"), datasets.pets("query", "test")
    views = {pet: [view(*row) for row in rows[MAPS].to_numpy()]
             for pet, rows in shown.groupby("pet")}  # fmt: skip
    kinds = shown.drop_duplicates("pet").set_index("pet")["species"]
    counts = []
    for species, pet, *paths in asked[["species", "pet", *MAPS]].to_numpy():
        own, others = np.zeros(5), np.zeros(5)
        for other in kinds.index[kinds == species]:
            into = own if other == pet else others
            into += sum(agreement(view(*paths), v) for v in views[other])
        counts.append([*own, *others])

    def told(share: Callable[[np.ndarray], float], interval=jackknife_interval) -> Interval:
        pets = asked["pet"].to_numpy()
        return over_groups(lambda some: share(some.sum(0)), np.array(counts), pets, interval)

    apart = told(lambda n: n[0] / n[1] - n[5] / n[6], difference_interval)
    return {
        "same body part, one pet": told(lambda n: n[0] / n[1]),
        "same body part, two pets": told(lambda n: n[5] / n[6]),
        "same body part, difference": apart,
        "same body part by chance, one pet": told(lambda n: n[2] / n[1]),
        "same body part by chance, two pets": told(lambda n: n[7] / n[6]),
        "same body part by place, one pet": told(lambda n: n[3] / n[4]),
        "same body part by place, two pets": told(lambda n: n[8] / n[9]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="tiny", help="tiny, a hub id or a folder (tiny)")
    args = parser.parse_args()
    encoder = Encoder.load(args.model)
    rows = {args.model: judge_parts(encoder.patch_tokens)}
    rows["pixels"] = judge_parts(pixel_tokens)
    print("| | " + " | ".join(rows) + " |\n|" + "---|" * (len(rows) + 1))
    for title in rows["pixels"]:
        print(f"| {title} | " + " | ".join(str(row[title]) for row in rows.values()) + " |")


if __name__ == "__main__":
    main()
