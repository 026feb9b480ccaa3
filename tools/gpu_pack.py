"""Pack what `gpu_train.py` needs into build/gpu, small enough to travel to a machine with a GPU.

    python tools/gpu_pack.py            about a minute

    photos.npz   the training photographs as they are, their classes, the teacher's weights
    pets.npz     the bare pets of `render_pets.py --train`: light, places on the body, parts
    val.npz      the shipped pets for choosing (split dev), whole and cut out

A bare photo takes 12 KB: light is a JPEG of a curve, places are 256 steps along each axis.
"""

import argparse
import csv
import io
import sys
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from gpu_teacher import read_layers  # noqa: E402
from pets_and_photos import shipped_dev_pets  # noqa: E402
from teacher_targets import TEACHER  # noqa: E402

from tools.coat_pets import at_rest, bodies  # noqa: E402


def encoded(pixels: np.ndarray, **how) -> bytes:
    """An image file of (h, w, 3) numbers in 0...255; lossless WebP unless said."""
    file = io.BytesIO()
    image = Image.fromarray(np.round(pixels).clip(0, 255).astype(np.uint8))
    image.save(file, **(how or {"format": "WEBP", "lossless": True, "exact": True}))
    return file.getvalue()


def jpeg(pixels: np.ndarray, quality: int) -> bytes:
    return encoded(pixels, format="JPEG", quality=quality, subsampling=0)


def chained(name: str, files: list[bytes]) -> dict[str, np.ndarray]:
    """Files one behind the other, and where each ends."""
    data = np.frombuffer(b"".join(files), np.uint8)
    return {name: data, f"{name}_ends": np.cumsum([len(file) for file in files])}


def photographs(build: Path, tar: Path, teacher: Path) -> dict[str, np.ndarray]:
    with open(build / "photos" / "photos.csv") as file:
        rows = list(csv.DictReader(file))
    with tarfile.open(tar) as opened:
        files = [opened.extractfile(row["name"]).read() for row in rows]
    sizes = [Image.open(io.BytesIO(file)).size for file in files]
    weights = {f"{key}_{i}": value for i, layer in enumerate(read_layers(teacher))
               for key, value in layer.items()}  # fmt: skip
    return {
        "label": np.array([row["label"] for row in rows]),
        "train": np.array([row["split"] == "train" for row in rows]),
        "aspect": np.array([w / h for w, h in sizes], np.float32),
        **chained("photo", files),
        **weights,
    }


def bare_pets(folder: Path, quality: int) -> dict[str, np.ndarray]:
    """Every body of which all photos are there."""
    shots: dict[str, list[dict]] = {}
    with open(folder / "photos.csv") as file:
        for row in csv.DictReader(file):
            shots.setdefault(row["pet"], []).append(row)
    number = {body.name: i for i, body in enumerate(bodies())}
    known = [rows for pet, rows in shots.items() if pet in number]
    whole = [rows for rows in known if all((folder / row["photo"]).exists() for row in rows)]
    packed = {"light": [], "rest": [], "what": []}  # what: part, share of coat, label
    about = {"pet": [], "box": [], "meter": [], "kind": []}
    for row in (row for rows in whole for row in rows):
        layers = dict(np.load(folder / row["photo"]))
        places, part, here = at_rest(layers)
        light = layers["linear"].astype(np.float32)
        box = np.array([places.min(0), places.max(0)])
        rest, what = np.zeros_like(light), np.zeros_like(light)
        rest[here] = (places - box[0]) / (box[1] - box[0]).clip(1e-6) * 255
        what[here, 0], what[..., 2] = part, layers["labels"]
        what[..., 1] = np.round(layers["coated"].astype(np.float32) * 31) * 8
        packed["light"].append(jpeg((light / (1 + light)) ** (1 / 2.2) * 255, quality))
        packed["rest"].append(encoded(rest))
        packed["what"].append(encoded(what))
        for key, value in (("pet", number[row["pet"]]), ("box", box), ("meter", layers["meter"]),
                           ("kind", row["light"])):  # fmt: skip
            about[key].append(value)
    print(f"{len(whole)} bare pets, {len(about['pet'])} photos")
    packed = {k: v for name, files in packed.items() for k, v in chained(name, files).items()}
    return packed | {key: np.array(values) for key, values in about.items()}


def dev_pets() -> dict[str, np.ndarray]:
    whole, alone, who, allowed = shipped_dev_pets()
    files = {}
    for name, pixels in (("whole", whole), ("alone", alone)):
        pixels = ((pixels + 1) * 127.5).permute(0, 2, 3, 1).numpy()
        files |= chained(name, [jpeg(one, 95) for one in pixels])
    return files | {"who": np.unique(who.astype(str), return_inverse=True)[1], "allowed": allowed}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shared = ROOT.parent / "shared"
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--bare", type=Path, default=ROOT / "build" / "bare")
    parser.add_argument("--photos", type=Path, default=shared / "photos" / "train.tar")
    parser.add_argument("--teacher", type=Path, default=shared / "teachers" / TEACHER)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "gpu")
    parser.add_argument("--quality", type=int, default=88, help="of the light's JPEG (88)")
    parser.add_argument("--only", choices=["photos", "pets", "val"])
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    parts = {
        "photos": lambda: photographs(args.build, args.photos, args.teacher),
        "pets": lambda: bare_pets(args.bare, args.quality),
        "val": dev_pets,
    }
    for name in [args.only] if args.only else parts:
        path = args.out / f"{name}.npz"
        np.savez(path, **parts[name]())
        print(f"wrote {path}, {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
