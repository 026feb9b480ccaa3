"""How well the shipped `cutout.onnx` does, through rembg: called by `train_cutout.py evaluate`.

Prints the figures and draws `data/models/cutout/failures.jpg`: where it does worst.
"""

import time
from pathlib import Path

import numpy as np
from cutout_labels import judge
from evaluate_parts import over_groups
from PIL import Image, ImageDraw, ImageFont

from vitsim.background import cut_out, mask_of
from vitsim.datasets import pets
from vitsim.models import shipped

TILE, CAPTION, SHOWN = 150, 22, 5  # pixels, pixels, failures of each of two kinds


def iou(found: np.ndarray, true: np.ndarray) -> float:
    """Intersection over union of two uint8 masks at threshold 0.5; 1 if both are empty."""
    found, true = found > 127, true > 127
    return (found & true).sum() / either if (either := (found | true).sum()) else 1.0


def report(name: str, scores: list[float], groups: list[str]) -> None:
    scores, groups = np.array(scores), np.array(groups)
    mean = over_groups(np.mean, scores, groups)
    print(f"{name}: mean IoU {mean.estimate:.3f} ({mean.low:.3f}–{mean.high:.3f}), median "
          f"{np.median(scores):.3f}, below 0.5: {(scores < 0.5).mean():.0%}, {len(scores)} photos, "
          f"{len(np.unique(groups))} groups", flush=True)  # fmt: skip


def evaluate(build: Path, some: int | None = None) -> None:
    """Print the figures of the shipped network, on `some` of the test pets' photos or on all."""
    table = pets(split="test")
    table = table[[Path(path).is_file() for path in table["photo"]]]  # all, unless being rendered
    if some:
        table = table.sample(min(some, len(table)), random_state=0)
    scores, rendered, real = [], [], []  # the latter two: (IoU, picture, mask, what, of whom)
    for row in table.itertuples():
        image, true = Image.open(row.photo).convert("RGB"), Image.open(row.mask).convert("L")
        mask = mask_of(image)
        scores.append(iou(np.asarray(mask), np.asarray(true)))
        rendered.append((scores[-1], image, mask, f"{row.place}, {row.light}", row.pet))
    report("shipped test pets, exact masks", scores, list(table["pet"]))
    for column in ("place", "light", "quality"):
        means = table.assign(iou=scores).groupby(column)["iou"].mean().sort_values()
        print(f"    by {column}: " + ", ".join(f"{name} {x:.2f}" for name, x in means.items()))
    found = {"heldout": ([], [], []), "gallery": ([], [], [])}
    for path in sorted((build / "cutout").glob("labels_????.npz")):
        chunk = np.load(path)
        use = judge(chunk["masks"]) == "labelled"
        columns = (chunk[key][use] for key in ("pictures", "masks", "names", "splits"))
        for picture, mask, name, split in zip(*columns, strict=True):
            if split in found:
                image = Image.fromarray(picture)
                p, kind = mask_of(image), name.split("/")[1]
                one, all_, groups = found[split]
                one.append(iou(np.asarray(p), mask))
                all_.append(iou(np.full_like(mask, 255), mask))
                groups.append(kind)
                real.append((one[-1], image, p, kind, name))
    titles = {"heldout": "animal classes never trained on, the teacher's masks",
              "gallery": "animal photos of the sample gallery, the teacher's masks"}  # fmt: skip
    for split, (one, all_, groups) in found.items():
        if not one:
            print(f"{titles[split]}: not here; cutout_labels.py makes them")
            continue
        report(titles[split], one, [f"{g}{i}" for i, g in enumerate(groups)])
        print(f"    all marked foreground: {np.mean(all_):.3f}; by class: " + ", ".join(
            f"{g} {np.mean([s for s, h in zip(one, groups, strict=True) if h == g]):.2f} "
            f"({groups.count(g)})" for g in sorted(set(groups))))  # fmt: skip
    draw_failures(rendered, real, shipped("cutout") / "failures.jpg")
    size = (shipped("cutout") / "cutout.onnx").stat().st_size
    wall, busy = speed()
    print(f"{size / 1e6:.2f} MB; at 320 px the network alone takes {wall:.0f} ms with one thread, "
          f"{busy:.0f} ms of them computing (median of 20)")  # fmt: skip


def draw_failures(rendered: list[tuple], real: list[tuple], path: Path) -> None:
    """The worst of rendered pets, each another pet, and of real animals, each another class."""
    width, line = 3 * TILE + 8, TILE + CAPTION
    sheet = Image.new("RGB", (2 * width - 8, SHOWN * line), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for column, (rows, alike) in enumerate(((rendered, 4), (real, 3))):
        worst = {}
        for row in sorted(rows, key=lambda row: row[0]):
            worst.setdefault(row[alike], row)
        for place, (score, image, mask, what, _) in enumerate(list(worst.values())[:SHOWN]):
            left, top = column * width, place * line
            pen.text((left, top + 2), f"{what}: IoU {score:.2f}", "black", font)
            for i, tile in enumerate((image, mask.convert("RGB"), cut_out(image, mask))):
                sheet.paste(tile.resize((TILE, TILE)), (left + i * TILE, top + CAPTION))
    sheet.save(path, quality=80, optimize=True)


def speed() -> tuple[float, float]:
    """Milliseconds of the network alone: by the clock, and of the processor's time."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(shipped("cutout") / "cutout.onnx", options)
    pixels, took = {"input": np.zeros((1, 3, 320, 320), np.float32)}, []
    for _ in range(20):
        begin = time.perf_counter(), time.process_time()
        session.run(None, pixels)
        took.append((time.perf_counter() - begin[0], time.process_time() - begin[1]))
    return tuple(1000 * np.median(took, axis=0))
