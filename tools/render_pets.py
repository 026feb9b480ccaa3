"""Render the Toy Pets: photographs of procedural dogs and cats, with masks and part maps.

For training, pets are rendered without a coat, and `coat_pets.py` lays many over each of them.

    python tools/render_pets.py --out data/pets                   60 pets x 10 photos, 320 px
    python tools/render_pets.py --train --out build/bare          400 bodies x 6 photos, 160 px
    python tools/render_pets.py --out /tmp/try --only dog_007     one pet
    python tools/render_pets.py --out data/pets --sheet sheet.png contact sheet of what is there

Needs Blender's Python module (bpy 5.0). A photo of 320 px takes about 5 s of one core: 25 minutes
for the shipped set on two free cores. It may be interrupted at any time; started again it goes on
where it stopped. The same seed gives the same photographs.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.pets.plan import COLUMNS, Pet, make_pets, plan
from tools.workers import end_with

SHIPPED = {"pets": 60, "photos": 10, "seed": 2024, "pairs": 8, "strangers": 10,
           "size": 320, "samples": 5, "strands": 16000}  # fmt: skip
TRAINING = {"pets": 400, "photos": 6, "seed": 77, "pairs": 0, "strangers": 0,
            "size": 160, "samples": 5, "strands": 9000}  # fmt: skip
JPEG_QUALITY = 88


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Command line; what is left out comes from SHIPPED, or TRAINING with ``--train``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--train", action="store_true", help="bare pets to lay coats over")
    parser.add_argument("--pets", type=int, help="number of individuals")
    parser.add_argument("--photos", type=int, help="photos of each")
    parser.add_argument("--seed", type=int, help="seed of the whole set")
    parser.add_argument("--size", type=int, help="edge of a photo, pixels")
    parser.add_argument("--samples", type=int, help="light paths a pixel")
    parser.add_argument("--strands", type=int, help="hairs a pet")
    parser.add_argument("--workers", type=int, default=2, help="processes, one thread each")
    parser.add_argument("--only", metavar="PET", help="render this pet alone, e.g. dog_007")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet and render nothing")
    parser.add_argument("--counts", action="store_true", help="count the rows and render nothing")
    parser.add_argument("--plan-only", action="store_true", help="write photos.csv and stop")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    defaults = TRAINING if args.train else SHIPPED
    for name in ("pets", "photos", "seed", "size", "samples", "strands"):
        if getattr(args, name) is None:
            setattr(args, name, defaults[name])
        elif getattr(args, name) < (0 if name == "seed" else 1):
            parser.error(f"--{name} must be positive, not {getattr(args, name)}")
    if args.workers < 1:
        parser.error(f"--workers must be at least 1, not {args.workers}")
    if args.size < 32:
        parser.error(f"--size must be at least 32 pixels, not {args.size}")
    if args.train and args.sheet:
        parser.error("--sheet shows photos, and --train makes none: see coat_pets.py")
    args.pairs, args.strangers = defaults["pairs"], defaults["strangers"]
    needed = 2 * args.pairs + args.strangers
    if args.pets < needed:
        parser.error(f"--pets must be at least {needed}; for a few pets use --only")
    return args


def cast(args: argparse.Namespace) -> tuple[dict[str, Pet], list[dict]]:
    """All pets by name and the rows of all photos."""
    layout = (args.seed, args.pairs, args.strangers, args.train)
    pets = {pet.name: pet for pet in make_pets(args.pets, *layout)}
    if args.only and args.only not in pets:
        raise SystemExit(f"no pet named {args.only!r}; names run from {min(pets)} to {max(pets)}")
    return pets, plan(args.pets, args.photos, *layout)


def write_table(rows: list[dict], out: Path) -> None:
    """Write photos.csv; it comes from the plan, so it is the same before and after rendering.

    Raises `SystemExit` where photos of another plan lie: it would say false things of them.
    """
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    text, table = file.getvalue(), out / "photos.csv"
    if table.exists() and table.read_text(encoding="utf-8") == text:
        return
    if any(out.glob("*/*")):
        raise SystemExit(
            f"{out} holds other things, or photos of other pets or another seed: choose another "
            "--out, or delete its folders, and all is rendered anew"
        )
    out.mkdir(parents=True, exist_ok=True)
    temporary = out / f".photos.csv.{os.getpid()}"
    temporary.write_text(text, encoding="utf-8", newline="\n")
    os.replace(temporary, table)


def is_done(row: dict, out: Path) -> bool:
    """Whether every file of this row exists; the photo is written last."""
    return all((out / row[key]).exists() for key in ("photo", "mask", "parts") if row[key])


def render_share(args: argparse.Namespace, pets: dict[str, Pet], rows: list[dict]) -> None:
    """Render every ``workers``-th missing photo, pet by pet: what is done early can be used."""
    from tools.pets import photo, scene  # bpy is needed from here on

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers itself
    end_with(args.parent)
    scene.setup(args.size, args.samples, threads=1)
    place = {name: number for number, name in enumerate(pets)}
    rows = sorted(rows, key=lambda row: place[row["pet"]])
    with tempfile.TemporaryDirectory() as scratch:
        for row in rows[args.worker :: args.workers]:
            if is_done(row, args.out):
                continue
            layers = Path(scratch) / "layers.exr"
            pet, path = pets[row["pet"]], args.out / row["photo"]
            if pet.coat == "bare":
                photo.save_layers(scene.render(pet, row, args.strands, layers), path)
                continue
            image, labels = scene.render(pet, row, args.strands, layers)
            photo.save_mask(labels, args.out / row["mask"])
            photo.save_parts(labels, args.out / row["parts"])
            photo.save_atomically(image, path, quality=JPEG_QUALITY, optimize=True)


def watch(workers: list[subprocess.Popen], rows: list[dict], out: Path) -> None:
    """Print progress until the workers end."""
    start, before = time.time(), sum(is_done(row, out) for row in rows)
    print(f"{before}/{len(rows)} photos are there already", flush=True)
    while any(worker.poll() is None for worker in workers):
        time.sleep(10)
        done = sum(is_done(row, out) for row in rows)
        if done > before:
            pace = (time.time() - start) / (done - before)
            left = pace * (len(rows) - done) / 60
            print(
                f"{done}/{len(rows)} photos  {pace:.2f} s a photo  {left:.0f} min left", flush=True
            )


def render_all(args: argparse.Namespace, rows: list[dict], argv: list[str]) -> int:
    """Start the workers, follow them, and stop them when interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    command = [sys.executable, __file__, *argv, "--parent", str(os.getpid()), "--worker"]
    workers = [
        subprocess.Popen([*command, str(k)], stdout=subprocess.DEVNULL) for k in range(args.workers)
    ]
    try:
        watch(workers, rows, args.out)
    except KeyboardInterrupt:
        for worker in workers:
            worker.terminate()
        print("interrupted; start again to go on")
        return 130
    missing = sum(not is_done(row, args.out) for row in rows)
    print(f"{len(rows) - missing}/{len(rows)} photos in {args.out}")
    return 1 if missing else 0


def print_counts(rows: list[dict]) -> None:
    """Photos by split and role and by each factor, as Markdown tables."""
    pets = {row["pet"]: (row["split"], row["role"] == "stranger") for row in rows}
    print("| split | pets | of them strangers | gallery | query | stranger photos |")
    print("|---|---|---|---|---|---|")
    for split in dict.fromkeys(row["split"] for row in rows):
        held = [stranger for name, stranger in pets.values() if name == split]
        roles = Counter(row["role"] for row in rows if row["split"] == split)
        figures = [len(held), sum(held), roles["gallery"], roles["query"], roles["stranger"]]
        print("|", " | ".join([split, *map(str, figures)]), "|")
    for column in ("species", "light", "place", "quality", "coat"):
        counts = Counter(row[column] for row in rows)
        print(f"\n{column}:", ", ".join(f"{k} {n}" for k, n in counts.most_common()))
    print("\npets with a litter-mate:", len({row["pet"] for row in rows if row["litter"]}))


def contact_sheet(rows: list[dict], out: Path, path: Path, cell: int = 128) -> None:
    """One line a pet, one column a photo."""
    from PIL import Image

    names = list(dict.fromkeys(row["pet"] for row in rows))
    columns = max(sum(row["pet"] == name for row in rows) for name in names)
    sheet = Image.new("RGB", (columns * cell, len(names) * cell), "white")
    filled = dict.fromkeys(names, 0)
    for row in rows:
        if (out / row["photo"]).exists():
            tile = Image.open(out / row["photo"]).resize((cell, cell))
            sheet.paste(tile, (filled[row["pet"]] * cell, names.index(row["pet"]) * cell))
        filled[row["pet"]] += 1
    sheet.save(path)


def main(argv: list[str] | None = None) -> int:
    """Command line entry point."""
    argv = sys.argv[1:] if argv is None else argv
    args = parse_arguments(argv)
    pets, everything = cast(args)
    rows = [row for row in everything if args.only in (None, row["pet"])]
    if args.worker is not None:
        render_share(args, pets, rows)
        return 0
    if args.counts:
        print_counts(rows)
        return 0
    if args.sheet:
        contact_sheet(rows, args.out, args.sheet)
        return 0
    if not args.plan_only and importlib.util.find_spec("bpy") is None:
        raise SystemExit("rendering needs Blender's Python module: pip install bpy==5.0.1")
    write_table(everything, args.out)
    return 0 if args.plan_only else render_all(args, rows, argv)


if __name__ == "__main__":
    sys.exit(main())
