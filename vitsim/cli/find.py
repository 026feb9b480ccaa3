"""`vitsim match` and `vitsim index`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from .. import VitsimError
from ..texts import count, plain, short, tell
from ._app import (
    Background,
    BackgroundIfAny,
    Fit,
    Model,
    ModelIfAny,
    OnePlace,
    Place,
    Pooling,
    app,
    at_home,
    path_argument,
    save_figure,
)

FIGURE_MOST = 24  # matches in a figure


@app.command(cls=OnePlace)
def match(
    photo: path_argument("The photo to look for.", "PHOTO"),
    gallery: Place = "toy-pets",
    k: Annotated[int, typer.Option("-k", min=1, help="How many matches.")] = 4,
    model: ModelIfAny = None,
    background: BackgroundIfAny = None,
    leave_out_query: Annotated[
        bool, typer.Option("--leave-out-query", help="Pass over exact copies of the photo.")
    ] = False,
    figure: Annotated[
        Path | None, typer.Option(help="Save a picture here: of 24 at most.", callback=at_home)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Rank the photos of a gallery by their similarity to PHOTO.

    The score is the cosine similarity of the two embeddings, from -1 to 1. It orders photos for a
    person to look at; it does not decide whether two animals are the same.
    """
    from ..images import open_photo

    open_photo(photo)  # a photo that cannot be read is told before anything is loaded
    opened = open_gallery(gallery, model, background)
    if figure and figure.exists():
        photos = [photo, *(opened.root / path for path in opened.photos["path"])]
        inside = figure.resolve().is_relative_to(opened.root.resolve())
        unknown = opened.photos.empty and inside  # in Milvus, which does not list them
        if unknown or any(one.exists() and figure.samefile(one) for one in photos):
            raise VitsimError(figure, "is a photo", "Give the figure another name.")
    found = opened.match(photo, k, leave_out_query)
    tell("since it was indexed", opened.changed(found))
    if found and found[0].path.exists() and found[0].path.samefile(photo):
        tell("note", ["rank 1 is the photo itself; --leave-out-query passes over it"])
    if as_json:
        rows = [
            {"rank": m.rank, "score": m.score, "path": str(m.path), "label": m.label} for m in found
        ]
        about = {"query": str(photo), "gallery": gallery, "model": opened.recipe.model}
        print(json.dumps(about | {"matches": rows}, indent=1))
    else:
        labels = _labels(opened)  # of a gallery in Milvus not known
        size = count(len(opened), "photo") + (f", {count(labels, 'label')}" if labels else "")
        print(plain(f"{photo} in {gallery}: {size}, model {opened.recipe.model}") + "\n")
        labels = [plain(m.label) for m in found]
        width = max([5, *map(len, labels)])
        print(f"rank  score  {'label':<{width}}  photo")
        for m, label in zip(found, labels, strict=True):
            print(f"{m.rank:>4}  {m.score:z5.2f}  {label:<{width}}  {plain(short(m.path))}")
    if figure:
        from ..plots import match_grid

        caption = f"cosine similarity, model {opened.recipe.model}"
        save_figure(match_grid(photo, found[:FIGURE_MOST], caption=caption), figure)
        if figure.resolve().is_relative_to(opened.root.resolve()):
            tell("note", ["the figure lies among the photos, and will be taken for one of them"])


@app.command(cls=OnePlace)
def index(
    folder: path_argument("The photos; the folder of each is its label.", "FOLDER"),
    out: Annotated[
        str,
        typer.Option(
            "--out", "-o", metavar="PATH", help="Where the gallery goes.", callback=at_home
        ),
    ],
    model: Model = None,
    background: Background = None,
    fit: Fit = "letterbox",
    pooling: Pooling = "cls",
    labels: Annotated[
        Path | None,
        typer.Option(help="A CSV table: path (below FOLDER) and label.", callback=at_home),
    ] = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="Embed here, or with Ray on many cores.")
    ] = "local",
    address: Annotated[
        str | None, typer.Option(help="A Ray cluster.", show_default="one on this machine")
    ] = None,
) -> None:
    """Make a gallery of the photos below FOLDER; again: embed only what is new or changed.

    An index that was interrupted goes on where it stopped. Photos that cannot be read are listed.
    Give the same options again. A gallery of another folder, whose photos are still there, is
    refused. Photos that a table of labels does not name have none.
    """
    from .. import milvus, store
    from ..encoder import Encoder
    from ..gallery import Gallery
    from ..images import find_photos
    from ..labels import labels_from, namesakes

    if out.startswith(milvus.PREFIX):  # a path would lose a slash of its address
        uri = out.removeprefix(milvus.PREFIX)
        remedy = f'Index into a FOLDER; then, in Python: Gallery.open("FOLDER").to_milvus("{uri}").'
        raise store.GalleryError(out, "is a place in Milvus", remedy)
    out = Path(out)
    if address and engine != "ray":
        raise typer.BadParameter("goes with --engine ray.", param_hint="--address")
    find_photos(folder)
    label = labels_from(labels, folder) if labels else None
    before = store.read(out)[1] if store.is_gallery(out) and store.is_finished(out) else None
    remove = None if background in ("", "keep") else background
    choices = {"fit": fit, "pooling": pooling, "background": remove}
    how = {"engine": engine, "address": address, "progress": sys.stderr.isatty()}
    made = Gallery.build(
        folder, Encoder.load(model, dtype="auto"), out, label=label, **how, **choices
    )
    news = ""
    if before is not None:
        now, new = made.photos, len(set(made.photos["sha256"]) - set(before["sha256"]))
        placed = now.loc[~now["path"].isin(before["path"]), "sha256"]
        gone = ~before["path"].isin(now["path"]) & ~before["sha256"].isin(placed)
        news = f" ({new} new or changed, {gone.sum()} gone)"
    size = f"{count(len(made), 'photo')}{news}, {count(_labels(made), 'label')}"
    print(plain(f"{out}: {size}, model {made.recipe.model}"))
    tell("skipped", made.skipped, f"; `vitsim audit {short(folder)}` lists all")
    tell("background kept", made.notes)
    if unnamed := (made.photos["label"] == "").sum():
        tell("note", [f"{count(unnamed, 'photo')} without a label"])
    if alike := namesakes(made.photos):
        tell("note", [f"folders of one name have one label: {', '.join(alike[:4])}"])


def _labels(gallery) -> int:
    labels = gallery.photos["label"]
    return labels[labels != ""].nunique()


def open_gallery(gallery: str, model: str | None, background: str | None, **choices: str | None):
    """A gallery from disk; or a folder of photos, or the Toy Pets, made into one.

    `background` and `choices` are fields of its recipe, None for whatever a gallery has; the
    background may be "keep", which is what a new gallery does. Raises: `GalleryError`.
    """
    from .. import datasets, milvus, models, store
    from ..encoder import Encoder
    from ..files import data_folder
    from ..gallery import Gallery
    from ..images import find_photos

    folder, paths = Path(gallery), None
    choices = {name: choice for name, choice in choices.items() if choice}
    remove = None if background in ("", "keep") else background
    if gallery == datasets.TOY_PETS and not folder.exists():
        folder = data_folder() / datasets.SHIPPED_GALLERY
        if remove or choices or (model or models.default_model()) != models.DEFAULT:
            paths = [Path(path) for path in datasets.pets(role="gallery")["photo"]]
            folder = data_folder() / "pets" / "photos"
    if gallery.startswith(milvus.PREFIX) or store.is_gallery(folder):
        where = gallery if gallery.startswith(milvus.PREFIX) else folder
        opened = Gallery.open(where, Encoder.load(model) if model else None)
        for name, choice in ({"background": background} | choices).items():
            if choice and choice != (made := getattr(opened.recipe, name) or "keep"):
                reason = f"was made with {name} {'kept' if made == 'keep' else made}"
                remedy = f"Leave --{name} out, or index anew."
                raise store.GalleryError(where, reason, remedy)
        changes = opened.changes()
        if sum(line.endswith(" is gone") for line in changes) == len(opened):
            again = f"`vitsim index FOLDER --out {where}`, with the options that it was made with"
            changes = [f"all photos are gone from {opened.root}; say where they are: {again}"]
        tell("since it was indexed", changes)
        return opened
    if not find_photos(folder):
        remedy = "Give a folder with photos, or a gallery."
        raise store.GalleryError(folder, "holds no photo", remedy)
    encoder, how = Encoder.load(model, dtype="auto"), {"background": remove} | choices
    opened = Gallery.cached(folder, encoder, paths, sys.stderr.isatty(), **how)
    tell("skipped", opened.skipped)
    tell("background kept", opened.notes)
    return opened
