"""The command `vitsim`: find the photos most like one photo, and what that needs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from . import VitsimError, __version__
from .texts import count, plain, short, tell

FIGURE_MOST = 24  # matches in a figure

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text, also when it is piped
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find the photos most like one photo, with a Vision Transformer. Works without a network.",
    epilog="Exit codes: 0 done, 1 something is wrong with the input, 2 with the command line.",
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
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error arose.")] = False,
) -> None:
    """What every command takes; `main` sees to `--debug`."""


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
        bool, typer.Option("--leave-out-query", help="Pass over exact copies of the photo.")
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
    if as_json:
        rows = [
            {"rank": m.rank, "score": m.score, "path": str(m.path), "label": m.label} for m in found
        ]
        about = {"query": str(photo), "gallery": gallery, "model": opened.recipe.model}
        print(json.dumps(about | {"matches": rows}, indent=1))
    else:
        size = f"{count(len(opened), 'photo')}, {count(opened.photos['label'].nunique(), 'label')}"
        print(plain(f"{photo} in {gallery}: {size}, model {opened.recipe.model}\n"))
        labels = [plain(m.label) for m in found]
        width = max([5, *map(len, labels)])
        print(f"rank  score  {'label':<{width}}  photo")
        for m, label in zip(found, labels, strict=True):
            print(f"{m.rank:>4}  {m.score:5.2f}  {label:<{width}}  {plain(short(m.path))}")
    if figure:
        _save_figure(figure, photo, found, opened)
        print(plain(f"figure: {figure}"), file=sys.stderr)


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
    """Make a gallery of the photos below FOLDER; again: embed only what is new or changed.

    An index that was interrupted goes on where it stopped. Photos that cannot be read are listed.
    """
    from . import store
    from .encoder import Encoder
    from .gallery import Gallery
    from .images import find_photos
    from .indexing import folder_name, labels_from

    find_photos(folder)
    label = labels_from(labels, folder) if labels else folder_name
    before = store.read(out)[1] if store.is_gallery(out) and store.is_finished(out) else None
    choices = {"fit": fit, "pooling": pooling, "background": background}
    made = Gallery.build(
        folder, Encoder.load(model), out, label=label, progress=sys.stderr.isatty(), **choices
    )
    news = ""
    if before is not None:
        new = len(set(made.photos["sha256"]) - set(before["sha256"]))
        gone = len(set(before["path"]) - set(made.photos["path"]))
        news = f" ({new} new or changed, {gone} gone)"
    size = f"{count(len(made), 'photo')}{news}, {count(made.photos['label'].nunique(), 'label')}"
    print(plain(f"{out}: {size}, model {made.recipe.model}"))
    tell("skipped", made.skipped)
    tell("background kept", made.notes)


@app.command()
def audit(folder: Annotated[Path, typer.Argument(help="A folder of photos.")]) -> None:
    """Tell what is wrong with the photos below FOLDER, before it bites.

    Exit code 1 if anything is.
    """
    from .images import audit as look_at
    from .images import find_photos

    findings, photos = look_at(folder, progress=sys.stderr.isatty()), len(find_photos(folder))
    for finding in findings:
        print(f"{finding.kind:<10}  {plain(finding.text)}")
    print(f"{count(photos, 'photo')} looked at, {count(len(findings), 'finding')}")
    if findings or not photos:
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
    """Tell what vitsim finds on this machine, and what to do next.

    Exit code 1 if there is something to do.
    """
    from .doctor import examine

    found, todo = examine()
    print("\n".join(found) + "\n")
    print("\n".join(f"to do: {line}" for line in todo) or "All is well: vitsim match PHOTO")
    if todo:
        raise typer.Exit(1)


def _open(gallery: str, model: str | None, background: str | None):
    """A gallery from disk; or a folder of photos, or the Toy Pets, made into one."""
    from . import datasets, models, store
    from .encoder import Encoder
    from .files import data_folder
    from .gallery import Gallery
    from .images import find_photos

    folder, paths = Path(gallery), None
    if gallery == datasets.TOY_PETS and not folder.exists():
        folder = data_folder() / datasets.SHIPPED_GALLERY
        if background or (model or models.default_model()) != models.DEFAULT:
            paths = [Path(path) for path in datasets.pets(role="gallery")["photo"]]
            folder = data_folder() / "pets" / "photos"
    if store.is_gallery(folder):
        opened = Gallery.open(folder, Encoder.load(model) if model else None)
        if background not in (None, opened.recipe.background):
            made = f"was made with background {opened.recipe.background or 'kept'}"
            raise store.GalleryError(folder, made, "Leave --background out, or index anew.")
        tell("since it was indexed", opened.changes())
        return opened
    if not find_photos(folder):
        remedy = "Give a folder with photos, or a gallery."
        raise store.GalleryError(folder, "holds no photo", remedy)
    encoder, progress = Encoder.load(model), sys.stderr.isatty()
    opened = Gallery.cached(folder, encoder, paths, progress, background=background)
    tell("skipped", opened.skipped)
    tell("background kept", opened.notes)
    return opened


def _save_figure(figure: Path, photo: Path, found: list, opened) -> None:
    from .files import atomic
    from .plots import match_grid

    drawn = match_grid(
        photo, found[:FIGURE_MOST], caption=f"cosine similarity, model {opened.recipe.model}"
    )
    try:
        with atomic(figure) as path:
            drawn.savefig(path, format=figure.suffix[1:] or "png")
    except (OSError, ValueError) as error:
        raise VitsimError(figure, f"cannot be written ({error})", "Give a .png path.") from error


def main() -> None:
    """Run the command; a user's mistake ends in one sentence and exit code 1."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.reconfigure(errors="backslashreplace")  # names that the terminal cannot show
    code = _run([word for word in sys.argv[1:] if word != "--debug"], "--debug" in sys.argv)
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError as error:  # the reader has gone, as with `| head`, or the disk is full
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            code = f"vitsim: the output cannot be written ({error.strerror})"
    sys.exit(code)


def _run(words: list[str], debug: bool) -> int | str | None:
    """The exit code, or what went wrong."""
    interrupted = "vitsim: interrupted. Run the same command again to go on."
    try:
        app(args=words, prog_name="vitsim")
    except SystemExit as stop:
        if stop.code == 130:  # typer's word for Ctrl-C
            print(interrupted, file=sys.stderr)
        return stop.code
    except Exception as error:
        if debug:
            raise
        if isinstance(error, OSError) and error.filename is None:
            return f"vitsim: the output cannot be written ({error.strerror or error})"
        if isinstance(error, VitsimError):
            return plain(f"vitsim: {error}")
        return plain(f"vitsim: {error!r}. That should not happen; --debug shows where it did.")
