"""How fast, beside the original tutorial's way: side by side in one run, from files to matches.

    python tools/benchmark.py            BENCHMARKS.md and benchmarks.json, about 10 minutes
    python tools/benchmark.py --large    also 10,000 photos and 1,000,000 vectors: 20 minutes, 16 GB
    python tools/benchmark.py --only search     this part anew, beside what the report holds

The report keeps a chapter for each kind of machine that it was run on.

Every comparison alternates the two ways and gives the median of each and the median of the ratios
of the rounds: what a machine does beside it hits both. Absolute figures are of the machine that
the chapter names; peak memory is read where Linux tells it. The original's way is written as it
was: photos squashed one at a time, a new rembg session for every photo, batches of one in float32.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from vitsim.files import atomic

ROOT, TOOLS = Path(__file__).parents[1], Path(__file__).parent
sys.path.insert(0, str(ROOT / "tests"))
PHOTOS = sorted((ROOT / "data" / "pets" / "photos").glob("*/*.jpg"))
PARTS = ("embedding", "background", "match", "memory", "search")


def peak_memory() -> int:
    """Peak memory of this process in bytes. Not ru_maxrss: a child inherits its parent's."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def in_rounds(repeats: int, *measures: Callable[[], float]) -> np.ndarray:
    """What every measure gives in every round, one after the other: (measures, repeats)."""
    return np.array([[measure() for measure in measures] for _ in range(repeats)]).T


def side_by_side(original: Callable, ours: Callable, repeats: int) -> tuple[float, float, float]:
    """(median seconds of the original, of ours, median of their ratios)."""
    theirs, mine = in_rounds(repeats, partial(seconds, original), partial(seconds, ours))
    return tuple(float(np.median(values)) for values in (theirs, mine, theirs / mine))


def matrix_peak(dtype) -> float:
    """The machine's product of two 2048 × 2048 matrices, FLOP/s: the best of ten."""
    import torch

    a = torch.randn(2048, 2048).to(dtype)
    return 2 * 2048**3 / min(seconds(lambda: a @ a) for _ in range(10))


def flops(config) -> float:
    """Multiplications and additions of one photo: the products of every layer."""
    tokens, d = (config.image_size // config.patch_size) ** 2 + 1, config.hidden_size
    layer = 2 * tokens * (4 * d * d + 2 * d * config.intermediate_size) + 4 * tokens**2 * d
    return config.num_hidden_layers * layer + 2 * (tokens - 1) * 3 * config.patch_size**2 * d


def embedding(report: dict, repeats: int) -> None:
    """Files → matches of a query, all embedded anew: `tiny`, and a ViT-B/16 of random weights."""
    import checkpoints
    import faiss
    import torch
    from PIL import Image

    from vitsim.encoder import Encoder
    from vitsim.gallery import Gallery

    with tempfile.TemporaryDirectory() as scratch:
        for name, model, count in (
            ("tiny", "tiny", 200),
            ("ViT-B/16", str(checkpoints.vit_base(Path(scratch) / "vit")), 48),
        ):
            plain, fast = Encoder.load(model), Encoder.load(model, dtype="auto")
            paths = PHOTOS[:count]

            def original(encoder=plain, paths=paths) -> None:
                index = faiss.IndexFlatIP(encoder.dim)
                for path in [*paths, paths[0]]:  # the last one asks
                    photo = Image.open(path).convert("RGB").resize((224, 224))
                    pixels = encoder.processor(photo, return_tensors="pt")["pixel_values"]
                    with torch.no_grad():
                        vector = encoder.model(pixels).last_hidden_state[0, 0].numpy()
                    vector = vector[None] / np.linalg.norm(vector)
                    index.add(vector)
                index.search(vector, 4)

            def ours(encoder=fast, paths=paths) -> None:
                Gallery.build(paths[0].parents[1], encoder, paths=paths).match(paths[0])

            original(paths=paths[:2])
            ours(paths=paths[:16])
            dtype, done = fast.model.dtype, count + 1  # the query as well
            ways = (partial(seconds, original), partial(seconds, ours), partial(matrix_peak, dtype))
            theirs, mine, peak = in_rounds(repeats, *ways)
            share = flops(fast.model.config) * done / mine / peak
            report[name] = {
                "photos": done, "dtype": str(dtype).removeprefix("torch."),
                "original, photos/s": done / float(np.median(theirs)),
                "ours, photos/s": done / float(np.median(mine)),
                "ratio": float(np.median(theirs / mine)),
                "peak, GFLOP/s": float(np.median(peak)) / 1e9,
                "ours, share of peak": float(np.median(share)),
                "peak memory, MB": peak_memory() / 1e6,
            }  # fmt: skip


def background(report: dict, repeats: int) -> None:
    """Files → masks with `cutout`, through rembg."""
    import rembg

    from vitsim import background as ours
    from vitsim.images import open_photo
    from vitsim.models import shipped

    paths, weights = PHOTOS[:12], shipped("cutout") / "cutout.onnx"
    os.environ["U2NET_HOME"] = str(weights.parent)

    def original() -> None:
        for path in paths:
            session = rembg.new_session("u2net_custom", model_path=str(weights))
            rembg.remove(open_photo(path), session=session)

    def masks(folder: str) -> None:
        os.environ["VITSIM_CACHE"] = folder
        for path in paths:
            ours.mask_of(open_photo(path))

    with tempfile.TemporaryDirectory() as scratch:
        masks(scratch)  # loads
        folders = iter(Path(scratch) / str(n) for n in range(repeats))
        theirs, mine, ratio = side_by_side(original, lambda: masks(str(next(folders))), repeats)
        again = statistics.median(seconds(lambda: masks(scratch)) for _ in range(repeats))
    report["cutout"] = {
        "photos": len(paths), "original, s/photo": theirs / len(paths),
        "ours, s/photo": mine / len(paths), "ratio": ratio,
        "second run, ratio": theirs / again,
    }  # fmt: skip


def clustered(count: int, d: int, path: Path) -> np.ndarray:
    """Unit vectors around 1,000 centres, memory-mapped from a .npy file; seeded."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((1000, d), dtype=np.float32)
    vectors = np.lib.format.open_memmap(path, "w+", np.float32, (count, d))
    for start in range(0, count, 10_000):
        some = min(10_000, count - start)
        rows = centres[rng.integers(1000, size=some)]
        rows = rows + 0.7 * rng.standard_normal((some, d), dtype=np.float32)
        vectors[start : start + some] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    vectors.flush()
    return np.load(path, mmap_mode="r")


def match(report: dict, repeats: int) -> None:
    """`vitsim match` on a ready gallery of 100,000 vectors: a cold start, and when open."""
    from dataclasses import asdict

    from vitsim import store
    from vitsim.encoder import Encoder
    from vitsim.gallery import Gallery, Recipe

    encoder, count = Encoder.load("tiny"), 100_000
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "large.gallery"
        vectors = clustered(count, encoder.dim, Path(scratch) / "vectors.npy")
        rows = [(f"{n}.jpg", f"{n:064x}", 0, f"pet {n // 10}", "") for n in range(count)]
        recipe = Recipe(encoder.name, encoder.revision, encoder.size, encoder.dim)
        manifest = {"recipe": asdict(recipe), "roots": ["../photos"], "skipped": []}
        folder.mkdir()
        (photos := Path(scratch) / "photos").mkdir()
        for name, *_ in rows:  # empty files in the place of the photos: only looked for
            (photos / name).touch()
        store.write(folder, manifest, store.table(rows), np.asarray(vectors))
        opened = Gallery.open(folder, encoder)
        opened.match(PHOTOS[0])
        command = [Path(sys.executable).parent / "vitsim", "match", PHOTOS[0], "-g", folder]
        cold = [
            seconds(lambda: subprocess.run(command, capture_output=True, check=True))
            for _ in range(repeats)
        ]
        warm = [seconds(lambda: opened.match(PHOTOS[0])) for _ in range(repeats)]

    def imported(what: str) -> float:
        """Seconds that an import takes, beyond the start of Python."""
        light, bare = ([sys.executable, "-c", program] for program in (f"import {what}", "pass"))
        return statistics.median(
            seconds(lambda: subprocess.run(light, check=True))
            - seconds(lambda: subprocess.run(bare, check=True))
            for _ in range(repeats)
        )

    report["100,000 vectors"] = {
        "cold start, s": statistics.median(cold), "open, s": statistics.median(warm),
        "import vitsim, s": imported("vitsim"),
        "import torch and ViTModel of transformers, s":
            imported("torch, transformers.models.vit.modeling_vit"),
    }  # fmt: skip


def search(report: dict, repeats: int, counts: list[int], d: int = 768) -> None:
    """Exact against HNSW (M 32, efConstruction 100), clustered vectors: recall@10, time."""
    import faiss

    from vitsim.similarity import top_k

    with tempfile.TemporaryDirectory() as scratch:
        for count in counts:
            path = Path(scratch) / "vectors.npy"
            vectors = clustered(count, d, path)
            rng = np.random.default_rng(1)
            queries = vectors[np.sort(rng.choice(count, 50, replace=False))]
            queries = queries + 0.3 * rng.standard_normal(queries.shape, dtype=np.float32) / d**0.5
            queries /= np.linalg.norm(queries, axis=1, keepdims=True)
            graph = faiss.IndexHNSWFlat(d, 32, faiss.METRIC_INNER_PRODUCT)
            graph.hnsw.efConstruction = 100  # a narrower graph of a million loses its way at times
            built = seconds(lambda graph=graph, vectors=vectors: graph.add(np.asarray(vectors)))
            truth = np.array([top_k(query, vectors, 10)[0] for query in queries])
            for width in (64, 128, 256, 512, 1024, 2048, 4096):  # the narrowest that will do
                graph.hnsw.efSearch = width
                found = graph.search(queries, 10)[1]
                pairs = zip(truth, found, strict=True)
                recall = np.mean([len(set(a) & set(b)) / 10 for a, b in pairs])
                if recall >= 0.98:
                    break

            def exact(queries=queries, vectors=vectors) -> None:
                for query in queries:
                    top_k(query, vectors, 10)

            def approximate(queries=queries, graph=graph) -> None:
                for query in queries:
                    graph.search(query[None], 10)

            theirs, mine, ratio = side_by_side(exact, approximate, repeats)
            report[f"{count:,} × {d}"] = {
                "exact, ms/query": 20 * theirs, "HNSW, ms/query": 20 * mine, "ratio": ratio,
                "recall@10": float(recall), "efSearch": width, "HNSW built in, s": built,
                "exact, peak memory / file": exact_memory(path),
            }  # fmt: skip


def exact_memory(path: Path) -> float:
    """Peak memory of a process that searches the file exactly, over the size of the file."""
    program = (
        "import sys, numpy as np, faiss; from vitsim.similarity import top_k\n"
        "from benchmark import peak_memory; before = peak_memory()\n"
        "v = np.load(sys.argv[1], mmap_mode='r'); top_k(np.array(v[0]), v, 10)\n"
        "print(peak_memory() - before)"
    )
    command = [sys.executable, "-c", program, path]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=TOOLS).stdout
    return int(told) / path.stat().st_size


def memory(report: dict, counts: list[int]) -> None:
    """Peak memory while indexing, by the number of photos: it should not grow."""
    from PIL import Image

    program = (
        "import sys\n"
        "from vitsim.gallery import Gallery; from vitsim.encoder import Encoder\n"
        "Gallery.build(sys.argv[1], Encoder.load('tiny'), sys.argv[2])\n"
        "from benchmark import peak_memory; print(peak_memory() / 1e6)"
    )
    with tempfile.TemporaryDirectory() as scratch:
        photos, rng = Path(scratch) / "photos", np.random.default_rng(0)
        photos.mkdir()
        made = 0
        for count in counts:
            for number in range(made, count):  # every photo another one: shifted in brightness
                with Image.open(PHOTOS[number % len(PHOTOS)]) as photo:
                    shift = int(rng.integers(-40, 40))
                    photo.point(lambda v, shift=shift: v + shift).save(photos / f"{number:05d}.jpg")
            made = count
            command = [sys.executable, "-c", program, photos, Path(scratch) / f"{count}.gallery"]
            start = time.perf_counter()
            told = subprocess.run(
                command, capture_output=True, text=True, check=True, cwd=TOOLS
            ).stdout
            report[f"{count:,} photos"] = {
                "peak memory, MB": float(told), "s": time.perf_counter() - start,
            }  # fmt: skip


def written(reports: list[dict]) -> str:
    """The reports as Markdown: a chapter a machine, in it a table a part."""
    lines = ["# Benchmarks", "", "Written by `make benchmark`, not by hand.", ""]
    explained = {
        "embedding": embedding, "background": background, "match": match, "search": search,
        "memory": memory,
    }  # fmt: skip
    for report in reports:
        machine = ", ".join(f"{key} {value}" for key, value in report["machine"].items())
        lines += [f"## {machine}", ""]
        for part in filter(report.get, explained):
            rows = report[part]
            columns = list(next(iter(rows.values())))
            lines += [f"### {part.capitalize()}", "", explained[part].__doc__.strip(), ""]
            lines += ["| | " + " | ".join(columns) + " |", "|" + "---|" * (len(columns) + 1)]
            for name, row in rows.items():
                cells = [f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()]
                lines.append(f"| {name} | " + " | ".join(cells) + " |")
            lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--repeats", type=int, default=5, help="rounds of a comparison (5)")
    parser.add_argument("--large", action="store_true", help="10,000 photos, 1,000,000 vectors")
    parser.add_argument("--out", type=Path, default=ROOT, help="where the two files go")
    options = parser.parse_args()
    import torch

    machine = {
        "processor": platform.machine(), "cores": os.cpu_count(),
        "vector instructions": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__, "Python": platform.python_version(),
    }  # fmt: skip
    kept = options.out / "benchmarks.json"
    reports = json.loads(kept.read_text()) if kept.exists() else []
    report = next((one for one in reports if one["machine"] == machine), {"machine": machine})
    reports = [report, *(one for one in reports if one["machine"] != machine)]
    counts = {"search": [10_000, 100_000], "memory": [100, 1_000]}
    if options.large:
        counts = {"search": [*counts["search"], 1_000_000], "memory": [*counts["memory"], 10_000]}
    for part in options.only:
        print(f"{part} …", flush=True)
        measured = {}
        run = {"embedding": embedding, "background": background, "match": match}.get(part)
        try:
            if run:
                run(measured, options.repeats)
            elif part == "search":
                search(measured, options.repeats, counts["search"])
            else:
                memory(measured, counts["memory"])
        finally:  # interrupted: what was measured is kept
            print(json.dumps(measured, indent=1), flush=True)
            if measured:  # or the report keeps what it held
                report[part] = report.get(part, {}) | measured
                for path, text in (
                    (kept, json.dumps(reports, indent=1) + "\n"),
                    (options.out / "BENCHMARKS.md", written(reports)),
                ):
                    with atomic(path) as unfinished:
                        unfinished.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
