"""How fast, beside the original tutorial's way: side by side in one run, from files to matches.

    python tools/benchmark.py            BENCHMARKS.md and benchmarks.json, about 10 minutes
    python tools/benchmark.py --large    also 10,000 photos and 1,000,000 vectors: 20 minutes, 16 GB
    python tools/benchmark.py --only search     this part anew, beside what the report holds
    python tools/benchmark.py --merge benchmarks.json     what was measured elsewhere, with --out

The report keeps a chapter for each kind of machine that it was run on. Where torch finds no CUDA
the part `gpu` is left out; it takes a minute, and needs neither faiss nor rembg.

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
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from vitsim.files import atomic

ROOT, TOOLS = Path(__file__).parents[1], Path(__file__).parent
sys.path.insert(0, str(ROOT / "tests"))
PHOTOS = sorted((ROOT / "data" / "pets" / "photos").glob("*/*.jpg"))
PARTS = ("embedding", "background", "match", "memory", "search", "gpu")
READING = """Written by `tools/benchmark.py`, not by hand; the largest sizes with `--large`.

*Original* is the way of the tutorial that this course grew out of: photos squashed one at a
time, a new rembg session for every photo, batches of one in float32, a flat index. *Ours* is
vitsim. A *ratio* says how many times as fast the second way is: both ran in turn on one
machine, and it is the median over the rounds. A *peak* is that of a product of large matrices,
measured in the same run."""


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


def matrix_peak(dtype, device: str = "cpu", side: int = 2048) -> float:
    """The machine's product of two square matrices, FLOP/s: the best of ten."""
    import torch

    a = torch.randn(side, side, device=device).to(dtype)
    # A GPU is waited for when a number is asked for.
    return 2 * side**3 / min(seconds(lambda: (a @ a)[0, 0].item()) for _ in range(10))


def flops(config) -> float:
    """Multiplications and additions of one photo: the products of every layer."""
    tokens, d = (config.image_size // config.patch_size) ** 2 + 1, config.hidden_size
    layer = 2 * tokens * (4 * d * d + 2 * d * config.intermediate_size) + 4 * tokens**2 * d
    return config.num_hidden_layers * layer + 2 * (tokens - 1) * 3 * config.patch_size**2 * d


def original_vector(encoder, path: Path) -> np.ndarray:
    """As the original has it: the photo squashed, a batch of one."""
    import torch
    from PIL import Image

    photo = Image.open(path).convert("RGB").resize((224, 224))
    pixels = encoder.processor(photo, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        tokens = encoder.model(pixels.to(encoder.model.device)).last_hidden_state
    vector = tokens[0, 0].cpu().numpy()
    return vector[None] / np.linalg.norm(vector)


def embedding(report: dict, repeats: int) -> None:
    """Files → matches of a query, all embedded anew: `tiny`, and a ViT-B/16 of random weights."""
    import checkpoints
    import faiss

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
                    vector = original_vector(encoder, path)
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
                "photos": done, "dtype of ours": str(dtype).removeprefix("torch."),
                "original, photos/s": done / float(np.median(theirs)),
                "ours, photos/s": done / float(np.median(mine)),
                "ratio": float(np.median(theirs / mine)),
                "peak, GFLOP/s": float(np.median(peak)) / 1e9,
                "ours, share of peak": float(np.median(share)),
                "peak memory, MB": peak_memory() / 1e6,
            }  # fmt: skip


def background(report: dict, repeats: int) -> None:
    """Files → masks with `cutout`, through rembg. The second run finds its masks in the cache."""
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
    """`vitsim match` on a ready gallery of 100,000 vectors: a cold start, and when open.

    An import is written as 0 where it takes less time than two starts of Python differ by.
    """
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
        more = statistics.median(
            seconds(lambda: subprocess.run(light, check=True))
            - seconds(lambda: subprocess.run(bare, check=True))
            for _ in range(repeats)
        )
        return max(0.0, more)  # less than the noise of two starts

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


def photographs(folder: Path, numbers: Iterable[int]) -> list[Path]:
    """JPEG files of 320 pixels in `folder`, no two the same: pets shifted in brightness."""
    from PIL import Image

    def make(number: int) -> Path:
        path, (turn, pet) = folder / f"{number:05d}.jpg", divmod(number, len(PHOTOS))
        with Image.open(PHOTOS[pet]) as photo:
            photo.point(lambda level: level + 3 * turn % 80 - 40).save(path, quality=90)
        return path

    with ThreadPoolExecutor() as pool:
        return list(pool.map(make, numbers))


def memory(report: dict, counts: list[int]) -> None:
    """Peak memory while indexing, by the number of photos: it should not grow."""
    program = (
        "import sys\n"
        "from vitsim.gallery import Gallery; from vitsim.encoder import Encoder\n"
        "Gallery.build(sys.argv[1], Encoder.load('tiny'), sys.argv[2])\n"
        "from benchmark import peak_memory; print(peak_memory() / 1e6)"
    )
    with tempfile.TemporaryDirectory() as scratch:
        photos, made = Path(scratch) / "photos", 0
        photos.mkdir()
        for count in counts:
            photographs(photos, range(made, count))
            made = count
            command = [sys.executable, "-c", program, photos, Path(scratch) / f"{count}.gallery"]
            start = time.perf_counter()
            told = subprocess.run(
                command, capture_output=True, text=True, check=True, cwd=TOOLS
            ).stdout
            report[f"{count:,} photos"] = {
                "peak memory, MB": float(told), "s": time.perf_counter() - start,
            }  # fmt: skip


def gpu(report: dict, repeats: int, device: str = "cuda", count: int = 4096, side=8192) -> None:
    """JPEG files of 320 pixels → vectors, on a GPU. Reading: all cores read and fit the files.
    Model: it alone, on pixels that lie on the GPU. Peak: the product of two 8192 × 8192 matrices.
    Cosine: the least one with what a CPU computes in float32, of 16 photos.
    """
    import checkpoints
    import torch

    from vitsim.encoder import Encoder
    from vitsim.images import fit, open_photo

    def read(path: Path) -> np.ndarray:
        return np.asarray(fit(open_photo(path), 224))

    def reading() -> None:
        with ThreadPoolExecutor() as pool:
            deque(pool.map(read, paths), maxlen=0)

    with tempfile.TemporaryDirectory() as scratch:
        paths, folder = photographs(Path(scratch), range(count)), Path(scratch) / "vit"
        for name, model in (("tiny", "tiny"), ("ViT-B/16", str(checkpoints.vit_base(folder)))):
            fast = Encoder.load(model, device, "auto")
            torch.cuda.reset_peak_memory_stats()
            near = fast.embed(paths[:512])[:16]  # warms up
            held = torch.cuda.max_memory_allocated() / 1e6
            far = Encoder.load(model, "cpu").embed(paths[:16])
            plain, pixels = Encoder.load(model, device), fast.prepare(paths[:128])
            some, batches = paths[: count // 32], count // 128

            def original(encoder=plain, paths=some) -> None:
                for path in paths:
                    original_vector(encoder, path)

            @torch.inference_mode()
            def alone(model=fast.model, pixels=pixels, batches=batches) -> None:
                for _ in range(batches):
                    last = model(pixels).last_hidden_state
                last[0, 0, 0].item()

            original(paths=some[:8])
            alone(batches=2)
            runs = original, partial(fast.embed, paths), reading, alone
            ways = [partial(seconds, run) for run in runs]
            ways.append(partial(matrix_peak, fast.model.dtype, device, side))
            *took, peak = in_rounds(min(3, repeats), *ways)
            done = np.array([[len(some)], [count], [count], [128 * batches]])
            rates, peak = done / np.array(took), peak / 1e12
            theirs, mine, files, model_alone = np.median(rates, axis=1).tolist()
            work = flops(fast.model.config) / 1e12
            report[name] = {
                "photos": count, "dtype of ours": str(fast.model.dtype).removeprefix("torch."),
                "original, photos/s": theirs, "ours, photos/s": mine,
                "ratio": float(np.median(rates[1] / rates[0])),
                "ours, share of peak": float(np.median(work * rates[1] / peak)),
                "reading, photos/s": files, "model, photos/s": model_alone,
                "model, TFLOP/s": work * model_alone, "peak, TFLOP/s": float(np.median(peak)),
                "model, share of peak": float(np.median(work * rates[3] / peak)),
                "GPU memory, MB": held, "cosine": f"{(near * far).sum(1).min():.4f}",
            }  # fmt: skip


def merged(reports: list[dict], more: list[dict]) -> list[dict]:
    """`reports` with what `more` holds; a part of a machine that both hold is that of `more`."""
    of = {json.dumps(one["machine"]): one for one in reports}
    for one in more:
        key = json.dumps(one["machine"])
        of[key] = of.get(key, {}) | one
    return list(of.values())


def write(folder: Path, reports: list[dict]) -> None:
    texts = {"benchmarks.json": json.dumps(reports, indent=1) + "\n"}
    texts["BENCHMARKS.md"] = written(reports)
    for name, text in texts.items():
        with atomic(folder / name) as unfinished:
            unfinished.write_text(text, encoding="utf-8")


def written(reports: list[dict]) -> str:
    """The reports as Markdown: a chapter a machine, in it a table a part."""
    lines = ["# Benchmarks", "", READING, ""]
    explained = {
        "embedding": embedding, "background": background, "match": match, "search": search,
        "memory": memory, "gpu": gpu,
    }  # fmt: skip
    for report in reports:
        machine = ", ".join(f"{key} {value}" for key, value in report["machine"].items())
        lines += [f"## {machine}", ""]
        for part in filter(report.get, explained):
            rows = report[part]
            columns = list(next(iter(rows.values())))
            title = "GPU" if part == "gpu" else part.capitalize()
            lines += [f"### {title}", "", " ".join(explained[part].__doc__.split()), ""]
            lines += ["| | " + " | ".join(columns) + " |", "|" + "---|" * (len(columns) + 1)]
            for name, row in rows.items():
                lines.append(f"| {name} | " + " | ".join(map(figure, row.values())) + " |")
            lines.append("")
    return "\n".join(lines)


def figure(value: float | str) -> str:
    """A number with three digits that count, without an exponent."""
    value = float(f"{value:.3g}") if isinstance(value, float) else value
    return value if isinstance(value, str) else f"{value:,.15g}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--repeats", type=int, default=5, help="rounds of a comparison (5)")
    parser.add_argument("--large", action="store_true", help="10,000 photos, 1,000,000 vectors")
    parser.add_argument("--out", type=Path, default=ROOT, help="where the two files go")
    parser.add_argument("--merge", type=Path, help="measure nothing, add this benchmarks.json")
    options = parser.parse_args()
    kept = options.out / "benchmarks.json"
    reports = json.loads(kept.read_text()) if kept.exists() else []
    if options.merge:
        write(options.out, merged(reports, json.loads(options.merge.read_text())))
        return
    import torch

    machine = {
        "processor": platform.machine(), "cores": os.cpu_count(),
        "vector instructions": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__, "Python": platform.python_version(),
    }  # fmt: skip
    if has_gpu := torch.cuda.is_available():
        machine["GPU"] = torch.cuda.get_device_name()
    report = next((one for one in reports if one["machine"] == machine), {"machine": machine})
    reports = [report, *(one for one in reports if one["machine"] != machine)]
    counts = {"search": [10_000, 100_000], "memory": [100, 1_000]}
    if options.large:
        counts = {"search": [*counts["search"], 1_000_000], "memory": [*counts["memory"], 10_000]}
    runs = {"embedding": embedding, "background": background, "match": match, "gpu": gpu}
    for part in options.only:
        if part == "gpu" and not has_gpu:
            print("gpu: left out, torch finds no CUDA here", flush=True)
            continue
        print(f"{part} …", flush=True)
        measured = {}
        run = runs.get(part)
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
                write(options.out, reports)


if __name__ == "__main__":
    main()
