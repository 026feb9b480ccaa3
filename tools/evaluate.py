"""Print how well `tiny` finds the right photo, beside simple baselines and its teacher.

    python tools/evaluate.py                     the table, about 7 minutes; half of it once
    python tools/evaluate.py --json build/evaluation.json

Five questions, each with a 95 % interval over identities (pets, litters or classes):

    pets     does a query photo find its pet among all gallery photos (`data/pets`, test pets;
             no query shares light or place with its pet's gallery photos)? Equal error rate;
             and the same for pets with a litter-mate, among all pets and between the two mates.
             Once with the whole photo, once cut out by the exact mask and cropped
    parts    do patches of two photos that choose each other lie on the same part of the body, more
             often for one pet than for two (`tools/evaluate_parts.py`)?
    grocery, caltech    does a photo of a class that was never trained on find its class (every
             fifth class of the training photos, 20 photos of each, leave-one-out)?
    gallery  does a photo of the sample gallery find its class (leave-one-out)? Most of these
             classes were seen in training, none of these photos; unseen classes apart

Baselines: 16 x 16 pixels, a colour histogram, an untrained ViT, and MobileNetV1, the teacher.
Photos that are not there (`../shared`) are left out, and the table says so.
"""

import argparse
import dataclasses
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from evaluate_parts import judge_parts, pixel_tokens
from PIL import Image
from teacher_targets import TEACHER, class_splits, members_by_class, teacher_features

from vitsim import datasets
from vitsim import evaluation as ev
from vitsim.background import cut_out
from vitsim.baselines import colours, pixels, unit
from vitsim.encoder import Encoder
from vitsim.files import atomic, sha256
from vitsim.images import find_photos, fit, open_photo

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
Embedder = Callable[[list[Image.Image]], np.ndarray]


def untrained(encoder: Encoder) -> Encoder:
    """The same network with random weights (seed 0)."""
    import torch

    torch.manual_seed(0)
    model = type(encoder.model)(encoder.model.config).eval()
    return dataclasses.replace(encoder, name="untrained ViT", model=model)


def remembered(embed: Embedder, name: str, folder: Path) -> Embedder:
    """The same vectors, computed once for a list of photos: baselines do not change."""

    def embed_once(photos: list[Image.Image]) -> np.ndarray:
        digest = hashlib.sha256(name.encode())
        for photo in photos:
            digest.update(photo.tobytes())
        path = folder / f"{digest.hexdigest()[:20]}.npy"
        if not path.exists():
            vectors = embed(photos)
            with atomic(path) as unfinished:
                np.save(unfinished, vectors)
        return np.load(path)

    return embed_once


def embedders(model: str, teacher: Path, memory: Path) -> dict[str, Embedder]:
    encoder = Encoder.load(model)
    baselines = {"16 × 16 pixels": pixels, "colour histogram": colours}
    baselines["untrained ViT"] = untrained(encoder).embed
    keys = {"untrained ViT": f"untrained ViT {encoder.model.config.to_json_string()}"}
    if teacher.is_file():
        keys["MobileNetV1 (teacher)"] = f"MobileNetV1 (teacher) {sha256(teacher)}"
        baselines["MobileNetV1 (teacher)"] = lambda photos: unit(
            np.stack([teacher_features(teacher, fit(p, 224)) for p in photos]).astype(np.float32)
        )
    baselines = {
        name: remembered(embed, keys.get(name, name), memory) for name, embed in baselines.items()
    }
    return {model: encoder.embed} | baselines


def leave_one_out(vectors: np.ndarray) -> np.ndarray:
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, np.nan)
    return scores


def recall(scores: np.ndarray, asked: np.ndarray, shown: np.ndarray) -> ev.Interval:
    """Recall@1; the interval is for other identities in galleries of this size."""
    return ev.jackknife_by_identity(ev.recall_at_k, scores, asked, shown)


def judge_pets(embed: Embedder, alone: bool) -> dict[str, ev.Interval]:
    """`alone`: with every background removed, and cropped to the pet."""
    gallery, queries = datasets.pets("gallery"), datasets.pets("query", "test")
    sets = [gallery, queries]
    if alone:
        photos = [
            [
                cut_out(open_photo(p), Image.open(m).convert("L"), crop=True)
                for p, m in zip(t.photo, t["mask"], strict=True)
            ]
            for t in sets
        ]
    else:
        photos = [[open_photo(p) for p in t.photo] for t in sets]
    shown, asked = (embed(some) for some in photos)
    scores = asked @ shown.T
    pet, pets = queries.pet.to_numpy(), gallery.pet.to_numpy()
    litter, litters = queries.litter.to_numpy(), gallery.litter.to_numpy()
    paired, test = litter != "", gallery.split.to_numpy() == "test"
    # a rival without a mate is a litter of its own
    groups = litter[paired], np.where(litters == "", pets, litters)

    def rate_of_mates(scores: np.ndarray) -> ev.Interval:
        search = scores[paired], pet[paired], pets
        return ev.jackknife_by_identity(ev.recall_at_k, *search, groups=groups)

    figures = {
        "pets recall@1": recall(scores, pet, pets),
        "pets EER": ev.equal_error_rate_by_identity(scores[:, test], pet, pets[test]),
        "litter-mates recall@1": rate_of_mates(scores),
        "between two mates": rate_of_mates(np.where(litter[:, None] == litters, scores, np.nan)),
    }
    return {f"{title}, cut out" if alone else title: value for title, value in figures.items()}


def judge_classes(vectors: np.ndarray, labels: np.ndarray) -> ev.Interval:
    return recall(leave_one_out(vectors), labels, labels)


def held_out(photos: Path, each: int) -> dict[str, tuple[list[Image.Image], np.ndarray]]:
    """Group -> photographs and labels of the classes that are never trained on, `each` a class."""
    by_class, found = members_by_class(photos), {}
    with tarfile.open(photos) as tar:
        for group in sorted({g for g, _ in by_class}):
            splits = class_splits([c for g, c in by_class if g == group])
            kept = [c for c in splits if splits[c] == "heldout"]
            names = [(c, name) for c in kept for name in by_class[group, c][:each]]
            images = [Image.open(io.BytesIO(tar.extractfile(n).read())).convert("RGB")
                      for _, n in names]  # fmt: skip
            found[group] = images, np.array([c for c, _ in names])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="tiny", help="tiny, a hub id or a folder (tiny)")
    parser.add_argument("--photos", type=Path, default=SHARED / "photos" / "train.tar")
    parser.add_argument("--gallery", type=Path, default=SHARED / "photos" / "gallery")
    parser.add_argument("--teacher", type=Path, default=SHARED / "teachers" / TEACHER)
    parser.add_argument("--memory", type=Path, default=ROOT / "build" / "features",
                        help="folder of the baselines' vectors (build/features)")  # fmt: skip
    parser.add_argument("--each", type=int, default=20, help="photos of a held-out class (20)")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--only", nargs="+", choices=["pets", "parts", "classes", "gallery"],
                        default=["pets", "parts", "classes", "gallery"])  # fmt: skip
    args = parser.parse_args()
    models = embedders(args.model, args.teacher, args.memory)
    figures: dict[str, dict[str, ev.Interval]] = {name: {} for name in models}
    notes = []

    def told(name: str) -> None:
        print(f"done: {name}", file=sys.stderr, flush=True)

    if "pets" in args.only:
        asked, shown = datasets.pets("query", "test").pet, datasets.pets("gallery").pet
        chance = np.mean(asked.to_numpy()[:, None] == shown.to_numpy())
        notes.append(f"pets recall@1 by chance: {chance:.2f}")
        for name, embed in models.items():
            figures[name] |= judge_pets(embed, alone=False)
            figures[name] |= judge_pets(embed, alone=True)
            told(f"pets, {name}")
    if "parts" in args.only:
        encoder = Encoder.load(args.model)
        tokens = {args.model: encoder.patch_tokens, "16 × 16 pixels": pixel_tokens}
        tokens["untrained ViT"] = untrained(encoder).patch_tokens
        for name, patch_tokens in tokens.items():
            figures[name] |= judge_parts(patch_tokens)
            told(f"parts, {name}")
    seen = set()
    if args.photos.is_file():
        names = [c for g, c in members_by_class(args.photos) if g == "caltech101"]
        seen = {c for c, split in class_splits(names).items() if split == "train"}
    if "classes" in args.only and not args.photos.is_file():
        notes.append(f"no held-out classes: {args.photos.name} is not there")
    elif "classes" in args.only:
        for group, (images, labels) in held_out(args.photos, args.each).items():
            title = f"{group}, {len(set(labels))} unseen classes"
            for name, embed in models.items():
                figures[name][title] = judge_classes(embed(images), labels)
                told(f"{title}, {name}")
    if "gallery" in args.only and not args.gallery.is_dir():
        notes.append(f"no sample gallery: the folder {args.gallery.name} is not there")
    elif "gallery" in args.only:
        paths = find_photos(args.gallery)
        images = [open_photo(p) for p in paths]
        labels = np.array([p.parent.name for p in paths])
        new = ~np.isin(labels, sorted(seen))
        known = ", ".join(sorted(set(labels[~new]))) if seen else "not known without train.tar"
        notes.append(f"classes of the gallery seen in training: {known}")
        scores = {name: leave_one_out(embed(images)) for name, embed in models.items()}
        for name, found in scores.items():
            title = f"gallery, {len(set(labels))} classes"
            figures[name][title] = recall(found, labels, labels)
            if seen and len(set(labels[new])) > 1:
                title = f"gallery, {len(set(labels[new]))} unseen of them"
                figures[name][title] = recall(found[new], labels[new], labels)
            told(f"gallery, {name}")
        for name in list(models)[1:]:  # paired: the same queries, asked both ways
            both = scores[args.model], scores[name]
            ahead = ev.paired_difference(ev.recall_at_k, *both, labels, labels)
            notes.append(f"in the gallery {args.model} is ahead of {name} by {ahead}")

    titles = list(figures[args.model])
    print("| | " + " | ".join(figures) + " |\n|" + "---|" * (len(figures) + 1))
    for title in titles:
        cells = [str(row.get(title, "–")) for row in figures.values()]
        print(f"| {title} | " + " | ".join(cells) + " |")
    print("\nEstimate [95 % interval over identities]. " + "; ".join(notes))
    if args.json:
        plain = {name: {title: dataclasses.asdict(value) for title, value in row.items()}
                 for name, row in figures.items()}  # fmt: skip
        with atomic(args.json) as unfinished:
            unfinished.write_text(json.dumps({"figures": plain, "notes": notes}, indent=2) + "\n")


if __name__ == "__main__":
    main()
