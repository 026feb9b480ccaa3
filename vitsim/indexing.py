"""The long part of making a gallery: prepare and embed photos so that a kill costs seconds."""

from __future__ import annotations

import os
import posixpath
import unicodedata
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from PIL import Image
from tqdm import tqdm

from . import VitsimError, store
from . import background as backgrounds
from .encoder import POOLINGS, Encoder
from .images import FITS, Photo, PhotoError, find_photos, fingerprint, fit, open_photo
from .known import Known, Rows
from .models import DEFAULT

BATCH = 8 * (os.cpu_count() or 1)  # photos that are embedded at once
AHEAD = 2 * BATCH  # photos that are decoded and fitted while the model works on others
Label = Callable[[Path], str]


@dataclass(frozen=True)
class Recipe:
    """How every photo of a gallery was prepared, and every query will be."""

    model: str
    revision: str
    size: int
    dim: int
    pooling: str = "cls"
    fit: str = "letterbox"
    background: str | None = None  # the background remover, or None to keep the background
    background_revision: str | None = None  # of its weights

    @classmethod
    def of(
        cls,
        encoder: Encoder,
        pooling: str = "cls",
        fit: str = "letterbox",
        background: str | None = None,
    ) -> Recipe:
        """The recipe of new galleries. Raises `ValueError`, and `ModelError` for the background."""
        for choice, known in ((pooling, POOLINGS), (fit, FITS)):
            if choice not in known:
                raise ValueError(f"{choice!r}: expected one of {', '.join(known)}")
        name = encoder.name  # of a folder the whole path, so that it is found from elsewhere
        if name != DEFAULT and Path(name).is_dir():
            name = str(Path(name).resolve())
        how = pooling, fit, background, background and backgrounds.revision(background)
        return cls(name, encoder.revision, encoder.size, encoder.dim, *how)

    def check(self, gallery: object, encoder: Encoder) -> None:
        """Raises `GalleryError` if `encoder` or the background remover has other weights now."""
        made = (self.model, self.revision, self.size)
        given = (encoder.name, encoder.revision, encoder.size)
        if made[1:] != given[1:]:  # the revision tells weights apart, wherever they lie
            was, now = ("{} (revision {:.12}, {} px)".format(*model) for model in (made, given))
            remedy = f"Use `--model {self.model}` as it was then, or index the photos anew."
            raise store.GalleryError(gallery, f"was made with {was}, not with {now}", remedy)
        remover = self.background
        if remover and backgrounds.revision(remover) != self.background_revision:
            what = "other" if self.background_revision else "unknown"  # as it was noted, or not yet
            remedy = "Index the photos anew, into another folder."
            raise store.GalleryError(gallery, f"was made with {what} weights of {remover}", remedy)


def folder_name(path: Path) -> str:
    """The usual label of a photo: the name of the folder it lies in."""
    return Path(os.path.abspath(path)).parent.name  # also of `photo.jpg` and `../photo.jpg`


def kept_labels(gallery, root: Path) -> Label:
    """The labels that photos below `root` have in a `Gallery`, or None; else their folders' names.

    Of a gallery of another folder, where the same name need not mean the same photo, a photo keeps
    its label if its file is the same, and the label was not that folder's name. A renamed photo
    keeps one that a table gave.
    """
    if gallery is None:
        return folder_name
    moved = gallery.root.resolve() != root.resolve()
    rows = [
        (path, digest, label)
        for path, digest, label in gallery.photos[["path", "sha256", "label"]].itertuples(
            index=False
        )
        if not (moved and label == folder_name(gallery.root / path))
    ]
    kept = {path: (digest, label) for path, digest, label in rows}
    renamed = {
        digest: label
        for path, digest, label in rows
        if label != folder_name(root / path) and not os.path.exists(root / path)
    }

    def label(path: Path) -> str:
        digest, known = kept.get(below(path, root), ("", ""))
        if digest and not (moved and fingerprint(path)[0] != digest):
            return known
        own = folder_name(path)
        return renamed.get(fingerprint(path)[0], own) if renamed else own

    return label


def namesakes(photos: pd.DataFrame) -> list[str]:
    """The folders of one name in different places, such as `2023/rex` and `2024/rex`.

    Their photos have the same label, as if they showed the same animal.
    """
    folders = photos["path"].map(posixpath.dirname)
    names = folders.map(posixpath.basename)
    folders = folders[(names == photos["label"]) & (folders != "")].drop_duplicates()
    return list(folders[names[folders.index].duplicated(keep=False)])


def refuse_another_folder(gallery, root: Path, names: Iterable[str]) -> None:
    """Raises `GalleryError` where a `Gallery` would lose photos that are still in another folder.

    One that was moved or renamed, or holds some of the same `names`, is not another one.
    """
    if gallery is None or not gallery.root.is_dir() or gallery.root.resolve() == root.resolve():
        return
    if set(names).isdisjoint(gallery.photos["path"]):
        reason = f"holds the photos of {gallery.root}, none of which is in {root}"
        remedy = "Index into another gallery, or delete this one first."
        raise store.GalleryError(gallery.folder, reason, remedy)


def labels_from(table: str | os.PathLike, folder: str | os.PathLike) -> Label:
    """Labels from a CSV table with the columns path (relative to `folder`) and label.

    A comma, semicolon or tab may part the columns. A photo that the table does not name has the
    label "". Raises: `VitsimError`, also when none of the photos is there.
    """
    remedy = "Give a CSV file in UTF-8 with the columns path (relative to the folder) and label."
    try:
        with open(table, encoding="utf-8-sig") as file:
            first = file.readline()
        how = {"dtype": str, "keep_default_na": False, "encoding": "utf-8-sig", "index_col": False}
        how |= {"sep": max(",;\t", key=first.count), "skipinitialspace": True}
        with warnings.catch_warnings(action="ignore"):  # of lines with empty columns at their end
            rows = pd.read_csv(table, **how).fillna("").map(str.strip)
            rows = rows.rename(columns=lambda name: name.strip().lower())
    except (OSError, ValueError) as error:
        reason = f"is no table of labels ({str(error).strip()})"
        raise VitsimError(table, reason, remedy) from error
    if missing := {"path", "label"} - set(rows):
        reason = f"is no table of labels (no column {', '.join(sorted(missing))})"
        raise VitsimError(table, reason, remedy)
    root = Path(folder)

    def place(path: Path) -> str:
        """One text for each way to write a path: Windows', and accents in one sign or in two."""
        try:
            way = os.path.normcase(below(path, root)).replace("\\", "/")
        except ValueError:  # on Windows, of another drive
            return ""
        return unicodedata.normalize("NFC", posixpath.normpath(way))

    labels = {}
    for path, one in zip(rows["path"], rows["label"], strict=True):
        if labels.setdefault(place(root / path), one) != one and path:
            raise VitsimError(table, f"gives {path} two labels", "Leave one of the lines.")
    if not any(place(path) in labels for path in find_photos(root)):
        raise VitsimError(table, f"names no photo of {folder}", remedy)
    return lambda path: labels.get(place(path), "")


def prepare(photo: Photo, recipe: Recipe) -> tuple[Image.Image, str]:
    """The photo as the model will see it, a small square, and a note if something went wrong."""
    image, note = open_photo(photo), None
    if recipe.background:
        image, note = backgrounds.remove_background(image, recipe.background)
    return fit(image, recipe.size, recipe.fit), note or ""


def embed_photos(
    paths: list[Path],
    root: Path,
    encoder: Encoder,
    recipe: Recipe,
    known: Known,
    label: Label = folder_name,
    progress: bool = False,
) -> tuple[pd.DataFrame, Rows, list[str]]:
    """(table, vectors, what could not be read); what is `known` by its content is not embedded."""
    rows, skipped, waiting = [], [], {}

    def embed_waiting() -> None:
        images = [image for image, _ in waiting.values()]
        vectors = encoder.embed(images, recipe.pooling, recipe.fit)
        for (digest, (_, note)), vector in zip(waiting.items(), vectors, strict=True):
            known.add(digest, vector, note)
        waiting.clear()
        known.save_at_times()

    def look(path: Path) -> tuple | PhotoError:
        try:
            digest, size = fingerprint(path)
            return digest, size, None if digest in known else prepare(path, recipe)
        except PhotoError as error:
            return error

    looked_at = zip(paths, _ahead(look, paths), strict=True)
    for path, seen in tqdm(looked_at, "indexing", len(paths), unit="photo", disable=not progress):
        if isinstance(seen, PhotoError):
            skipped.append(str(seen))
            continue
        digest, size, prepared = seen
        if digest not in known and digest not in waiting:
            waiting[digest] = prepared
        rows.append((below(path, root), digest, size, label(path)))
        if len(waiting) >= BATCH:
            embed_waiting()
    if waiting:
        embed_waiting()
    photos = store.table([(*row, known.note(row[1])) for row in rows])
    return photos, Rows(known, photos["sha256"], recipe.dim), skipped


def distinct(paths: Iterable[str | os.PathLike], root: Path) -> list[Path]:
    """Each photo once, by the first of its names; a single path is one photo."""
    paths = [paths] if isinstance(paths, str | os.PathLike) else paths
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        found.setdefault(below(path, root), path)
    return list(found.values())


def own_name(folder: str | os.PathLike) -> Path:
    """The folder as it was given, or, by a link, under its own name: its photos' label."""
    by_link = os.path.realpath(folder) != os.path.abspath(folder)
    return Path(os.path.realpath(folder) if by_link else folder)


def below(path: Path, root: Path) -> str:
    """The way from `root` to a photo; that by another name of `root`, a link, is the same."""
    way = Path(os.path.relpath(path, root))
    if way.parts[:1] == (os.pardir,):
        real = Path(os.path.realpath(path.parent), path.name)
        way = Path(os.path.relpath(real, os.path.realpath(root)))
    return way.as_posix()


def _ahead(function: Callable, items: list) -> Iterator:
    """`map`, some items ahead and in threads; never more than `AHEAD` results are held."""
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        begun = deque()
        try:
            for item in items:
                begun.append(pool.submit(function, item))
                if len(begun) == AHEAD:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:  # interrupted: what was not begun is not done
            pool.shutdown(cancel_futures=True)
