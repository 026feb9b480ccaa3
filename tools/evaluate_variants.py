"""Print what the choices around a model change: CLS or patches, fit, background; where it looks.

    python tools/evaluate_variants.py            4 minutes for `tiny`

Each line changes one choice against the course's first one: CLS vector, letterbox, whole photo. The
change is paired: the same queries, asked both ways. Intervals are for other identities (pets or
classes) in galleries of this size (jackknife, 95 %). Queries are the shipped test pets, against all
gallery photos, and the sample gallery of real photographs (leave-one-out), where it is there. Toy
Pets are square: there is nothing to fit.

Under the table: how much of the attention rollout of CLS (`vitsim.attention`) lies on the pet, and
how much of the photo the pet is.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from evaluate import SHARED, leave_one_out, recall
from evaluate_parts import over_groups
from PIL import Image

from vitsim import datasets
from vitsim import evaluation as ev
from vitsim.attention import rollout
from vitsim.background import cut_out, remove_background
from vitsim.encoder import Encoder
from vitsim.images import find_photos, open_photo
from vitsim.parts import patch_coverage

WHOLE, BY_CUTOUT, BY_MASK = "whole photo", "cut out by `cutout`", "cut out by the exact mask"
IN_PLACE = "the same, not cropped"
FIRST = ("CLS", "letterbox", WHOLE)


@torch.inference_mode()
def vectors(encoder: Encoder, photos: list[Image.Image], how: str) -> dict[str, np.ndarray]:
    """Three ways to make one vector of a photo: each (n, d) of norm 1.

    The pooler is the one that checkpoints without one get: drawn at random (seed 0), tanh after it.
    """
    torch.manual_seed(0)
    pooler = torch.nn.Linear(encoder.dim, encoder.dim)
    torch.nn.init.normal_(pooler.weight, std=0.02)
    torch.nn.init.zeros_(pooler.bias)
    found = []
    for start in range(0, len(photos), 16):
        pixels = encoder.prepare(photos[start : start + 16], how)
        tokens = encoder.model(pixels).last_hidden_state.float().cpu()
        patches = tokens[:, -(encoder.grid**2) :].mean(1)
        found.append(torch.stack([tokens[:, 0], patches, pooler(tokens[:, 0]).tanh()]))
    units = torch.nn.functional.normalize(torch.cat(found, 1), dim=2).numpy()
    return dict(zip(("CLS", "mean of patches", "untrained pooler"), units, strict=True))


def judge_pets(encoder: Encoder) -> tuple[dict[tuple, np.ndarray], list[np.ndarray]]:
    """For each choice the scores of queries of the test pets; whose they and the gallery's are."""
    gallery, queries = datasets.pets("gallery"), datasets.pets("query", "test")
    shown, asked = gallery.pet.to_numpy(), queries.pet.to_numpy()
    rows = [*gallery.itertuples(), *queries.itertuples()]
    photos = [open_photo(row.photo) for row in rows]
    ways = {WHOLE: photos, BY_CUTOUT: [remove_background(photo)[0] for photo in photos]}
    masks = [Image.open(row.mask).convert("L") for row in rows]
    for way, crop in ((BY_MASK, True), (IN_PLACE, False)):
        ways[way] = [cut_out(*pair, crop=crop) for pair in zip(photos, masks, strict=True)]
    found = {}
    for background, seen in ways.items():
        for pooling, made in vectors(encoder, seen, "letterbox").items():
            found[pooling, "letterbox", background] = made[len(shown) :] @ made[: len(shown)].T
    return found, [asked, shown]


def judge_photos(encoder: Encoder, folder: Path) -> tuple[dict[tuple, np.ndarray], list]:
    """The same for the sample gallery; there are no exact masks, but photos of many shapes."""
    paths = find_photos(folder)
    labels = np.array([path.parent.name for path in paths])
    photos = [open_photo(path) for path in paths]
    alone = [remove_background(photo)[0] for photo in photos]
    found = {}
    for how, background, seen in (
        ("letterbox", WHOLE, photos), ("squash", WHOLE, photos), ("crop", WHOLE, photos),
        ("letterbox", BY_CUTOUT, alone),
    ):  # fmt: skip
        for pooling, made in vectors(encoder, seen, how).items():
            found[pooling, how, background] = leave_one_out(made)
    return found, [labels, labels]


def table(found: dict[tuple, np.ndarray], ids: list[np.ndarray]) -> None:
    """One line a choice: recall@1, and its difference to the first choice, paired."""
    print("| vector | fit | background | recall@1 | change |\n|---|---|---|---|---|")
    for choice, scores in found.items():
        changed = "" if choice == FIRST else change(scores, found[FIRST], ids)
        print(f"| {' | '.join(choice)} | {recall(scores, *ids)} | {changed} |")
    print()


def change(scores: np.ndarray, baseline: np.ndarray, ids: list[np.ndarray]) -> ev.Interval:
    return ev.paired_difference(ev.recall_at_k, scores, baseline, *ids)


def attention_on_pets(encoder: Encoder) -> dict[str, ev.Interval]:
    """Shares of the rollout's mass, and of the area, inside the mask: gallery photos, test pets."""
    photos = datasets.pets("gallery", "test")
    found = []
    for row in photos.itertuples():
        mask = patch_coverage(Image.open(row.mask).convert("L"), encoder.grid)
        mass = rollout(encoder.attention(row.photo), encoder.grid)
        found.append([(mass * mask).sum(), mask.mean()])
    pets = photos.pet.to_numpy()
    inside, area = np.array(found).T
    return {
        "attention rollout inside the pet": over_groups(np.mean, inside, pets),
        "area of the pet": over_groups(np.mean, area, pets),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="tiny", help="tiny, a hub id or a folder (tiny)")
    parser.add_argument("--gallery", type=Path, default=SHARED / "photos" / "gallery")
    args = parser.parse_args()
    encoder = Encoder.load(args.model)
    print("Toy Pets, test queries\n")
    found, ids = judge_pets(encoder)
    table(found, ids)
    cropped, in_place = (found["CLS", "letterbox", way] for way in (BY_MASK, IN_PLACE))
    print(f"cropping a cut-out, paired: {change(cropped, in_place, ids)}\n")
    if args.gallery.is_dir():
        print("Sample gallery of real photographs\n")
        table(*judge_photos(encoder, args.gallery))
    for title, value in attention_on_pets(encoder).items():
        print(f"{title}: {value}")


if __name__ == "__main__":
    main()
