"""Prepare the photographs that `cutout` learns from: masks by a pretrained segmenter.

Where one thing lies on a flat colour (a tenth of Caltech-101), the mask is what differs from it.
Elsewhere DeepLab v3 says of every pixel how likely it belongs to an animal, person, vehicle or
thing that it knows. Photos where it is unsure are kept out of training; those where it finds
nothing serve as backgrounds. Writes chunks to `build/cutout/`, each an .npz with

    pictures  (n, 160, 160, 3) uint8   the photo squashed to a square, as rembg does
    masks     (n, 160, 160) uint8      how likely foreground, 255 = certain
    names     (n,)                     where the photo lies in the tar or in the gallery
    splits    (n,)                     train, heldout (every fifth class) or gallery (never trained)

About 0.15 s a photo on one free core: 9 minutes for all. Stop it at any time: it goes on where it
was; `train_cutout.py` already uses the chunks that are there.
"""

import argparse
import io
import os
import tarfile
import time
import warnings
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from teacher_targets import ROOT, class_splits, members_by_class, names_in_gallery

from vitsim.images import fit

SIZE, CHUNK = 160, 32
TEACHER, TEACHER_SIZE = "deeplabv3_mnv2_pascal_quant.tflite", 513
LOGITS = [1, 33, 33, 21]  # the tensor to read: before it is blown up to the teacher's answer
ANIMALS = [
    "Leopards", "ant", "bass", "butterfly", "cougar_body", "crab", "crayfish", "crocodile",
    "crocodile_head", "dalmatian", "dolphin", "dragonfly", "elephant", "emu", "flamingo",
    "flamingo_head", "garfield", "gerenuk", "hawksbill", "hedgehog", "ibis", "kangaroo", "llama",
    "lobster", "mayfly", "octopus", "okapi", "pigeon", "platypus", "rhino", "rooster", "scorpion",
    "sea_horse", "snoopy", "starfish", "stegosaurus", "tick", "wild_cat",
]  # fmt: skip
OTHERS = {"Faces_easy": 150, "Motorbikes": 150, "car_side": 80, "BACKGROUND_Google": 300,
          "wheelchair": 59, "chair": 30, "pagoda": 20, "joshua_tree": 20, "bonsai": 40,
          "laptop": 20, "pyramid": 20, "pizza": 15, "umbrella": 20, "soccer_ball": 20}  # fmt: skip
GROCERIES_EACH = 4


def choose(photos: Path, gallery: Path) -> list[tuple[str, str]]:
    """(name, split) of every photo to label, in an order that is useful from its first chunk."""
    by_class, rng = members_by_class(photos), np.random.default_rng(0)
    split = class_splits([c for g, c in by_class if g == "caltech101"])
    chosen, rest = [], []
    for (group, folder), names in by_class.items():
        names = rng.permutation(names).tolist()
        if group == "grocery":
            rest += [(name, "train") for name in names[:GROCERIES_EACH]]
        elif folder in ANIMALS:
            heldout = split[folder] == "heldout"
            chosen += [(name, "heldout" if heldout else "train") for name in names]
        elif folder in OTHERS and split[folder] != "heldout":
            rest += [(name, "train") for name in names[: OTHERS[folder]]]
    known = names_in_gallery(photos, [name for name, _ in chosen + rest], gallery)
    shown = [(str(p.relative_to(gallery.parent)), "gallery") for p in gallery.glob("*/*.jpg")
             if p.parent.name in ANIMALS]  # fmt: skip
    both = [(name, s) for name, s in chosen if name not in known] + sorted(shown)
    rest = [(name, s) for name, s in rest if name not in known]
    both, rest = ([rows[i] for i in rng.permutation(len(rows))] for rows in (both, rest))
    mixed = []  # two animals, one other, while there are any
    for i in range(0, max(len(both), 2 * len(rest)), 2):
        mixed += both[i : i + 2] + rest[i // 2 : i // 2 + 1]
    return mixed


@cache
def interpreter(path: str):
    """The teacher with its inner tensors kept, and the number of the tensor of logits."""
    from ai_edge_litert.interpreter import Interpreter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # keeping the tensors is meant
        teacher = Interpreter(path, num_threads=1, experimental_preserve_all_tensors=True)
    teacher.allocate_tensors()
    tensors = [d for d in teacher.get_tensor_details() if list(d["shape"]) == LOGITS]
    return teacher, tensors[0]


def likelihood(teacher_path: Path, image: Image.Image) -> Image.Image:
    """How likely each pixel is foreground by the teacher: mode L, same size."""
    teacher, logits = interpreter(str(teacher_path))
    square = np.asarray(fit(image, TEACHER_SIZE))
    teacher.set_tensor(teacher.get_input_details()[0]["index"], square[None])
    teacher.invoke()
    scale, zero = logits["quantization"]
    z = scale * (teacher.get_tensor(logits["index"])[0].astype(np.float32) - zero)
    p = np.exp(z - z.max(2, keepdims=True))
    foreground = Image.fromarray(1 - p[..., 0] / p.sum(2))
    foreground = foreground.resize((TEACHER_SIZE, TEACHER_SIZE), Image.BILINEAR)
    side = TEACHER_SIZE / max(image.size)
    left, top = ((TEACHER_SIZE - round(s * side)) // 2 for s in image.size)
    inside = foreground.crop((left, top, TEACHER_SIZE - left, TEACHER_SIZE - top))
    return Image.fromarray((np.asarray(inside) * 255).astype(np.uint8)).resize(image.size)


def mask_on_flat(picture: np.ndarray) -> np.ndarray | None:
    """The uint8 mask of a thing on a flat colour; None if the (h, w, 3) picture shows no such."""
    pixels, rim = picture.astype(int), np.ones(picture.shape[:2], bool)
    rim[3:-3, 3:-3] = False
    away = np.abs(pixels - np.median(pixels[rim], axis=0)).max(2)
    if (away[rim] < 18).mean() < 0.97:
        return None
    areas, _ = ndimage.label(away < 24)
    parts, n = ndimage.label(~np.isin(areas, np.setdiff1d(areas[rim], 0)))
    sizes = np.bincount(parts.ravel(), minlength=n + 1)[1:]
    if not n:
        return None
    inside = ndimage.binary_opening(np.isin(parts, 1 + np.flatnonzero(sizes > sizes.max() / 20)))
    box = inside.any(0).sum() * inside.any(1).sum()
    # A nearly full box is a framed photograph.
    if not (0.06 < inside.mean() < 0.7 and inside.sum() < 0.82 * box):
        return None
    return inside.astype(np.uint8) * 255


def on_flat(photos: Path, gallery: Path, done: set[str]) -> dict[str, list]:
    """The training photographs of things on flat colours that are not in `done`, as one chunk."""
    by_class = members_by_class(photos)
    split = class_splits([c for g, c in by_class if g == "caltech101"])
    ours = [names for (group, folder), names in by_class.items()
            if group == "caltech101" and split[folder] != "heldout"]  # fmt: skip
    names = [name for names in ours for name in names if name not in done]
    names = sorted(set(names) - names_in_gallery(photos, names, gallery))
    found = {"pictures": [], "masks": [], "names": [], "splits": []}
    with tarfile.open(photos) as tar:
        for name in names:
            picture = squash(Image.open(io.BytesIO(tar.extractfile(name).read())))
            if (mask := mask_on_flat(picture)) is not None:
                for column, value in zip(found, (picture, mask, name, "train"), strict=True):
                    found[column].append(value)
    return found


def squash(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB").resize((SIZE, SIZE), Image.LANCZOS))


def save(path: Path, chunk: dict[str, list]) -> None:
    part = path.with_suffix(".part.npz")
    np.savez(part, **{key: np.stack(value) for key, value in chunk.items()})
    os.replace(part, path)


def certainty(masks: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of each of (n, h, w) uint8 masks: the share of foreground, how sure the teacher is there,
    how much it sees elsewhere, and the highest likelihood; four (n,) in 0 to 1."""
    p = masks.reshape(len(masks), -1) / 255
    inside = p > 0.5
    sure = (p * inside).sum(1) / np.maximum(inside.sum(1), 1)
    outside = (p * ~inside).sum(1) / np.maximum((~inside).sum(1), 1)
    return inside.mean(1), sure, outside, p.max(1)


def judge(masks: np.ndarray) -> np.ndarray:
    """What each of (n, h, w) uint8 masks is good for: "labelled", "background" or "unsure"."""
    share, sure, outside, highest = certainty(masks)
    labelled = (share > 0.06) & (share < 0.8) & (sure > 0.85) & (outside < 0.08)
    return np.where(labelled, "labelled", np.where(highest < 0.4, "background", "unsure"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shared = ROOT.parent / "shared"
    parser.add_argument("--photos", type=Path, default=shared / "photos" / "train.tar")
    parser.add_argument("--teacher", type=Path, default=shared / "teachers" / TEACHER)
    parser.add_argument("--gallery", type=Path, default=shared / "photos" / "gallery")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "cutout")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rows = choose(args.photos, args.gallery)
    print(f"{len(rows)} photos to label")
    if not (path := args.out / "labels_flat.npz").exists():
        save(path, on_flat(args.photos, args.gallery, {name for name, _ in rows}))
    begin, fresh = time.time(), 0
    with tarfile.open(args.photos) as tar:
        for start in range(0, len(rows), CHUNK):
            path = args.out / f"labels_{start // CHUNK:04d}.npz"
            if path.exists():
                continue
            pictures, masks = [], []
            for name, split in rows[start : start + CHUNK]:
                file = (args.gallery.parent / name if split == "gallery"
                        else io.BytesIO(tar.extractfile(name).read()))  # fmt: skip
                image = Image.open(file).convert("RGB")
                pictures.append(squash(image))
                mask = mask_on_flat(pictures[-1]) if split == "train" else None
                if mask is None:
                    mask = np.asarray(likelihood(args.teacher, image).resize((SIZE, SIZE)))
                masks.append(mask)
            names, splits = zip(*rows[start : start + CHUNK], strict=True)
            chunk = {"pictures": pictures, "masks": masks, "names": names, "splits": splits}
            save(path, chunk)
            fresh += len(names)
            rate, kinds = fresh / (time.time() - begin), judge(np.stack(masks))
            left = (len(rows) - start - len(names)) / rate / 60
            print(f"{start + len(names)} of {len(rows)}, about {left:.0f} min left; of the last "
                  f"{len(names)}: {(kinds == 'labelled').sum()} labelled, "
                  f"{(kinds == 'background').sum()} without foreground", flush=True)  # fmt: skip
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
