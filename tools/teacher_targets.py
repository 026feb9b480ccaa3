"""Prepare the photographs that `tiny` learns from, and what the teacher says about them.

Reads the tar of training photographs, cuts eight views of each, and stores every view (128 px)
beside the 1,024 features that a pretrained MobileNetV1 gives it. Writes to `build/photos/`:

    views.npy     (n, 8, 128, 128, 3) uint8   letterbox, centre square, four random crops,
                                              two that are in part another photo
    targets.npy   (n, 8, 1024) uint8          the teacher's quantised features of those views
    photos.csv    name, group, label, split   one row a photo; split is train or val

Held-out classes (every fifth) never enter these files, nor does any photograph that also lies in
the sample gallery. About 14 minutes on two cores. Stop it at any time: it goes on where it was.
"""

import argparse
import csv
import hashlib
import io
import os
import tarfile
import time
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from workers import helpers

from vitsim.files import sha256
from vitsim.images import fit

ROOT = Path(__file__).resolve().parents[1]
TEACHER = "mobilenet_v1_1.0_224_quant_embedding_extractor.tflite"
VIEW, TEACHER_SIZE = 128, 224
VIEWS, MIXED = 8, 2  # views of a photo; of them, the last, are in part another one
NOT_A_CLASS = "BACKGROUND_Google"  # Caltech's clutter folder: photographs without a common label
CHUNK = 64


def class_splits(classes: list[str]) -> dict[str, str]:
    """Class name -> "train", "val" (every 13th of the rest) or "heldout" (every fifth)."""
    split = {name: "train" for name in sorted(classes)}
    for name in sorted(classes)[4::5]:
        split[name] = "heldout"
    for name in [c for c in sorted(classes) if split[c] == "train"][5::13]:
        split[name] = "val"
    return split


def members_by_class(photos: Path) -> dict[tuple[str, str], list[str]]:
    """(group, class) -> the names of its photographs in the tar, sorted."""
    found: dict[tuple[str, str], list[str]] = {}
    with tarfile.open(photos) as tar:
        for name in sorted(m.name for m in tar if m.isfile()):
            group, folder, _ = name.split("/")
            found.setdefault((group, folder), []).append(name)
    return found


def random_box(image: Image.Image, rng: np.random.Generator) -> tuple[float, ...]:
    """A crop of 35 to 100 % of the area, sides between 3:4 and 4:3."""
    width, height = image.size
    area, ratio = rng.uniform(0.35, 1) * width * height, np.exp(rng.uniform(-0.29, 0.29))
    w, h = min(width, (area * ratio) ** 0.5), min(height, (area / ratio) ** 0.5)
    left, top = rng.uniform(0, width - w), rng.uniform(0, height - h)
    return left, top, left + w, top + h


def views_of(image: Image.Image, other: Image.Image, seed: int) -> list[Image.Image]:
    """The views at the teacher's size; the same seed gives the same crops."""
    rng, size, side = np.random.default_rng(seed), TEACHER_SIZE, min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2

    def crop(photo: Image.Image, box: tuple[float, ...]) -> Image.Image:
        return photo.resize((size, size), Image.BICUBIC, box=box)

    views = [fit(image, size), crop(image, (left, top, left + side, top + side))]
    views += [crop(image, random_box(image, rng)) for _ in range(VIEWS - MIXED - 2)]
    for _ in range(MIXED):
        view = crop(image, random_box(image, rng))
        views.append(beside(view, crop(other, random_box(other, rng)), rng))
    return views


def beside(view: Image.Image, other: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The view with a part of another one laid over its left or its top."""
    size, cut = view.width, round(view.width * rng.uniform(0.3, 0.7))
    part = (0, 0, cut, size) if rng.random() < 0.5 else (0, 0, size, cut)
    view.paste(other.crop(part))
    return view


@cache
def interpreter(path: str):
    """The teacher, loaded once a process, on one thread."""
    from ai_edge_litert.interpreter import Interpreter

    teacher = Interpreter(path, num_threads=1)
    teacher.allocate_tensors()
    return teacher


def teacher_features(path: Path | str, image: Image.Image) -> np.ndarray:
    """(1024,) uint8: the quantised features of one 224 x 224 RGB image."""
    teacher = interpreter(str(path))
    teacher.set_tensor(teacher.get_input_details()[0]["index"], np.asarray(image)[None])
    teacher.invoke()
    return teacher.get_tensor(teacher.get_output_details()[0]["index"]).reshape(-1).copy()


def prepare(
    job: tuple[str, str, list[tuple[str, str]], int],
) -> tuple[int, np.ndarray, np.ndarray]:
    """Views and targets of one chunk of pairs of names; runs in a worker process."""
    photos, teacher, pairs, start = job
    views = np.empty((len(pairs), VIEWS, VIEW, VIEW, 3), np.uint8)
    targets = np.empty((len(pairs), VIEWS, 1024), np.uint8)
    with tarfile.open(photos) as tar:
        for row, pair in enumerate(pairs):
            images = (Image.open(io.BytesIO(tar.extractfile(name).read())) for name in pair)
            image, other = (image.convert("RGB") for image in images)
            for column, view in enumerate(views_of(image, other, seed=start + row)):
                targets[row, column] = teacher_features(teacher, view)
                views[row, column] = np.asarray(view.resize((VIEW, VIEW), Image.BICUBIC))
    return start, views, targets


def thumbprint(image: Image.Image) -> np.ndarray:
    """(256,) a 16 x 16 grey copy, centred, of norm 1: nearly the same for any copy of a photo."""
    small = np.asarray(image.convert("L").resize((16, 16), Image.BOX), np.float32).ravel()
    small -= small.mean()
    return small / max(np.linalg.norm(small), 1e-6)


def names_in_gallery(photos: Path, names: list[str], gallery: Path) -> set[str]:
    """The names whose photograph also lies in the sample gallery (correlation above 0.97)."""
    shown = np.stack([thumbprint(Image.open(p)) for p in sorted(gallery.glob("*/*.jpg"))])
    same = set()
    with tarfile.open(photos) as tar:
        for name in names:
            print_ = thumbprint(Image.open(io.BytesIO(tar.extractfile(name).read())))
            if (shown @ print_).max() > 0.97:
                same.add(name)
    return same


def begun(folder: Path, of: str, count: int) -> list[np.ndarray]:
    """The arrays of views and targets on disk, as far as they were filled; `of` tells what with."""
    told, arrays = folder / "of.txt", []
    there = all((folder / name).exists() for name in ("of.txt", "views.npy", "targets.npy"))
    mode = "r+" if there and told.read_text() == of else "w+"
    told.unlink(missing_ok=True)
    for name, shape in {"views.npy": (VIEW, VIEW, 3), "targets.npy": (1024,)}.items():
        whole = {"dtype": np.uint8, "shape": (count, VIEWS, *shape)}
        arrays.append(np.lib.format.open_memmap(folder / name, mode, **whole))
    told.write_text(of)
    return arrays


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shared = ROOT.parent / "shared"
    parser.add_argument("--photos", type=Path, default=shared / "photos" / "train.tar")
    parser.add_argument("--teacher", type=Path, default=shared / "teachers" / TEACHER)
    parser.add_argument("--gallery", type=Path, default=shared / "photos" / "gallery")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "photos")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    args = parser.parse_args()
    for needed in (args.photos, args.teacher, args.gallery):
        if not needed.exists():
            raise SystemExit(f"{needed} is not there; CONTRIBUTING says what the training needs")
    args.out.mkdir(parents=True, exist_ok=True)

    by_class = members_by_class(args.photos)
    rows = []
    for group in sorted({g for g, _ in by_class}):
        for folder, split in class_splits([c for g, c in by_class if g == group]).items():
            label = "" if folder == NOT_A_CLASS else f"{group}/{folder}"
            if split != "heldout":
                rows += [(name, group, label, split) for name in by_class[group, folder]]
    same = names_in_gallery(args.photos, [r[0] for r in rows], args.gallery)
    rows = [row for row in rows if row[0] not in same]
    print(f"{len(rows)} photos to prepare; {len(same)} left out: they lie in {args.gallery.name}")
    with open(args.out / "photos.csv", "w", newline="") as file:
        csv.writer(file).writerows([("name", "group", "label", "split"), *rows])

    of = repr([rows, VIEWS, VIEW, sha256(args.photos), sha256(args.teacher)])
    views, targets = begun(args.out, hashlib.sha256(of.encode()).hexdigest(), len(rows))
    names = [row[0] for row in rows]
    trained = [row[0] for row in rows if row[3] == "train"]  # what is kept enters no mixed view
    others = np.random.default_rng(0).choice(trained, len(names)).tolist()
    pairs = list(zip(names, others, strict=True))
    # A chunk is done when the last of its targets is not all zero: that is what a fresh file holds.
    jobs = [
        (str(args.photos), str(args.teacher), pairs[start : start + CHUNK], start)
        for start in range(0, len(pairs), CHUNK)
        if not targets[min(start + CHUNK, len(pairs)) - 1, -1].any()
    ]
    begin = time.time()
    with helpers(args.workers) as pool:
        for done, (start, view, target) in enumerate(pool.map(prepare, jobs), 1):
            views[start : start + len(view)] = view
            targets[start : start + len(target)] = target
            left = (time.time() - begin) / done * (len(jobs) - done)
            print(
                f"\r{done} of {len(jobs)} chunks, about {left / 60:.1f} min left",
                end="",
                flush=True,
            )
    print(f"\nwrote {args.out}")


if __name__ == "__main__":
    main()
