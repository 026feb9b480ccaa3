"""The command `vitsim`: find the photos most like one photo, and what that needs."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from . import VitsimError, __version__

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find the photos most like one photo, with a Vision Transformer. Works without a network.",
)

Model = Annotated[
    str | None,
    typer.Option(
        help="tiny (shipped), a folder, or a hub id.", show_default="VITSIM_MODEL or tiny"
    ),
]
Background = Annotated[
    str | None,
    typer.Option(
        help="Remove the background first: cutout (shipped), u2net, u2netp, isnet-general-use "
        "or birefnet-general-lite.",
        show_default="keep it",
    ),
]
Fit = Annotated[
    Literal["letterbox", "squash", "crop"], typer.Option(help="How a photo becomes a square.")
]
Pooling = Annotated[
    Literal["cls", "mean"], typer.Option(help="The embedding: CLS token, or mean of the patches.")
]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"vitsim {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
) -> None:
    """Exit codes: 0 done, 1 something is wrong with the input, 2 the command line is wrong."""


@app.command()
def match(
    photo: Annotated[Path, typer.Argument(help="The photo to look for.")],
    gallery: Annotated[
        str, typer.Option("--gallery", "-g", help="A gallery, a folder of photos, or toy-pets.")
    ] = "toy-pets",
    k: Annotated[int, typer.Option("-k", min=1, help="How many matches.")] = 4,
    model: Model = None,
    background: Background = None,
    leave_out_query: Annotated[
        bool, typer.Option(help="Pass over exact copies of the photo in the gallery.")
    ] = False,
    figure: Annotated[Path | None, typer.Option(help="Save a picture of the matches here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Rank the photos of a gallery by their similarity to PHOTO.

    The score is the cosine similarity of the two embeddings, from -1 to 1. It orders photos for a
    person to look at; it does not decide whether two animals are the same.
    """
    from .images import open_photo

    open_photo(photo)  # a photo that cannot be read is told before anything is loaded
    opened = _open(gallery, model, background)
    found = opened.match(photo, k, leave_out_query)
    if figure:
        _save_figure(figure, photo, found, opened)
    if as_json:
        rows = [
            {"rank": m.rank, "score": m.score, "path": str(m.path), "label": m.label} for m in found
        ]
        about = {"query": str(photo), "gallery": gallery, "model": opened.recipe.model}
        print(json.dumps(about | {"matches": rows}, indent=1, ensure_ascii=False))
        return
    size = f"{len(opened)} photos of {opened.photos['label'].nunique()} labels"
    print(f"{photo} in {gallery}: {size}, model {opened.recipe.model}\n")
    width = max(5, *(len(m.label) for m in found))
    print(f"rank  score  {'label':<{width}}  photo")
    for m in found:
        print(f"{m.rank:>4}  {m.score:5.2f}  {m.label:<{width}}  {_short(m.path)}")
    if figure:
        print(f"\nfigure: {figure}")


@app.command()
def index(
    folder: Annotated[Path, typer.Argument(help="The photos; the folder of each is its label.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the gallery goes.")],
    model: Model = None,
    background: Background = None,
    fit: Fit = "letterbox",
    pooling: Pooling = "cls",
    labels: Annotated[
        Path | None, typer.Option(help="A CSV table with the columns path and label.")
    ] = None,
) -> None:
    """Make a gallery of the photos below FOLDER. Again: only new and changed photos are embedded.

    An index that was interrupted goes on where it stopped. Photos that cannot be read are listed.
    """
    from . import store
    from .encoder import Encoder
    from .gallery import Gallery, folder_name
    from .images import find_photos

    find_photos(folder)
    label = _labels_from(labels, folder) if labels else folder_name
    before = set(store.read(out)[1]["sha256"]) if store.is_finished(out) else set()
    choices = {"fit": fit, "pooling": pooling, "background": background}
    made = Gallery.build(
        folder, Encoder.load(model), out, label=label, progress=_terminal(), **choices
    )
    new = len(set(made.photos["sha256"]) - before)
    print(f"{out}: {len(made)} photos, {new} of them new or changed, model {made.recipe.model}")
    _list("skipped", made.skipped)
    _list("background kept", made.notes)


@app.command()
def audit(folder: Annotated[Path, typer.Argument(help="A folder of photos.")]) -> None:
    """Tell what is wrong with the photos below FOLDER, before it bites. Exit code 1 if anything."""
    from .images import audit as look_at
    from .images import find_photos

    findings = look_at(folder, progress=_terminal())
    for finding in findings:
        print(f"{finding.kind:<10}  {finding.text}")
    photos = len(find_photos(folder))
    print(f"{photos} photos looked at, {len(findings)} findings")
    if findings:
        raise typer.Exit(1)


@app.command()
def download(
    names: Annotated[list[str], typer.Argument(help="Encoders (hub ids), background removers.")],
) -> None:
    """Bring models to this machine, for a room without a network."""
    from . import background, models

    for name in names:
        if name in background.MODELS:
            print(f"{name}: {background.fetch(name)}")
        else:
            folder, revision = models.fetch(name)
            print(f"{name}: {folder} (revision {revision[:12]})")


@app.command()
def doctor() -> None:
    """Tell what vitsim finds on this machine, and what to do next. Exit code 1 if that is much."""
    from . import models
    from .files import cache_folder, data_folder

    todo = []
    print(f"vitsim {__version__}, Python {platform.python_version()}, {platform.platform()}")
    print(f"device          {_device()}")
    for name in ("torch", "transformers", "rembg", "faiss-cpu", "pillow"):
        print(f"{name:<15} {_installed(name, todo)}")
    default = models.default_model()
    for name in dict.fromkeys([models.DEFAULT, default, *models.REVISIONS]):
        here = models.is_here(name)
        print(f"model           {name}: {'here' if here else 'not on this machine'}")
        if not here and name == models.DEFAULT:
            todo.append("the shipped model is missing: install vitsim again")
        elif not here and name == default:
            todo.append(f"VITSIM_MODEL is {name}: with a network, run `vitsim download {name}`")
    print(f"data            {data_folder()}")
    print(f"cache           {cache_folder()}")
    free = shutil.disk_usage(_existing(cache_folder())).free / 1e9
    print(f"free disk       {free:.0f} GB")
    if free < 2:
        todo.append("less than 2 GB of disk is free: make room, or set VITSIM_CACHE and HF_HOME")
    print(f"hub             {'reachable' if models.hub_reachable() else 'not reachable'}")
    print(
        "\n" + ("\n".join(f"to do: {line}" for line in todo) or "All is well: vitsim match PHOTO")
    )
    if todo:
        raise typer.Exit(1)


def _open(gallery: str, model: str | None, background: str | None):
    from . import store
    from .datasets import TOY_PETS, pets
    from .encoder import Encoder
    from .gallery import Gallery

    if store.is_gallery(Path(gallery)):
        opened = Gallery.open(gallery, Encoder.load(model) if model else None)
        if background not in (None, opened.recipe.background):
            made = f"was made with background {opened.recipe.background or 'kept'}"
            raise store.GalleryError(gallery, made, "Leave --background out, or index anew.")
        _list("since it was indexed", opened.changes())
        return opened
    if gallery == TOY_PETS and not Path(gallery).is_dir():
        photos = pets(role="gallery")
        folder = Path(os.path.commonpath(photos["photo"].tolist()))
        opened = _cached(folder, model, background, paths=[Path(path) for path in photos["photo"]])
    else:
        opened = _cached(Path(gallery), model, background)
    _list("skipped", opened.skipped)
    _list("background kept", opened.notes)
    return opened


def _cached(folder: Path, model: str | None, background: str | None, paths=None):
    """A folder as a gallery. What was embedded before is kept in the cache, if that is writable."""
    import hashlib

    from .encoder import Encoder
    from .files import cache_folder
    from .gallery import Gallery
    from .images import find_photos

    paths = find_photos(folder) if paths is None else paths
    encoder = Encoder.load(model)
    key = repr((str(folder.resolve()), encoder.name, encoder.revision, background))
    kept = cache_folder() / "galleries" / hashlib.sha256(key.encode()).hexdigest()[:16]
    make = {"paths": paths, "background": background, "progress": _terminal()}
    try:
        kept.mkdir(parents=True, exist_ok=True)
        writable = os.access(kept, os.W_OK)
    except OSError:
        writable = False
    return Gallery.build(folder, encoder, kept if writable else None, **make)


def _labels_from(table: Path, folder: Path):
    import pandas as pd

    try:
        rows = pd.read_csv(table, dtype=str, keep_default_na=False)
        of = {
            str((folder / path).resolve()): label for path, label in rows[["path", "label"]].values
        }
    except (OSError, ValueError, KeyError) as error:
        remedy = "Give a CSV file with the columns path (relative to the folder) and label."
        raise VitsimError(table, f"is no table of labels ({error})", remedy) from error
    return lambda path: of.get(str(path.resolve()), "")


def _save_figure(figure: Path, photo: Path, found: list, opened) -> None:
    from .files import atomic
    from .plots import match_grid

    drawn = match_grid(photo, found, caption=f"cosine similarity, model {opened.recipe.model}")
    try:
        with atomic(figure) as path:
            drawn.savefig(path)
    except (OSError, ValueError) as error:
        raise VitsimError(figure, f"cannot be written ({error})", "Give a .png path.") from error


def _list(what: str, lines: tuple[str, ...] | list[str], most: int = 20) -> None:
    for line in lines[:most]:
        print(f"{what}: {line}", file=sys.stderr)
    if len(lines) > most:
        print(f"{what}: {len(lines) - most} more", file=sys.stderr)


def _short(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _terminal() -> bool:
    return sys.stderr.isatty()


def _device() -> str:
    try:
        from .encoder import best_device

        return best_device()
    except ImportError as error:
        return f"unknown ({error})"


def _installed(name: str, todo: list[str]) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        todo.append(f"{name} is missing: pip install {name}")
        return "missing"


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def main() -> None:
    """Run the command; a user's mistake ends in one sentence and exit code 1."""
    debug = "--debug" in sys.argv
    try:
        app(args=[word for word in sys.argv[1:] if word != "--debug"])
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        sys.exit("vitsim: interrupted. Run the same command again: it goes on where it stopped.")
    except Exception as error:
        if debug:
            raise
        known = isinstance(error, VitsimError)
        sys.exit(f"vitsim: {error if known else f'{error!r} (--debug shows where)'}")
