"""Which animal a photo shows: its folder's name, or what a table says; and how photos are named.

The photos of a gallery have names from its folder, `root`: `rex/1.jpg`.
"""

from __future__ import annotations

import os
import posixpath
import unicodedata
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pandas as pd

from . import VitsimError
from .images import find_photos, fingerprint
from .store import GalleryError
from .texts import count, short

Label = Callable[[Path], str]


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
    held = zip(*(gallery.photos[name] for name in ("path", "sha256", "label")), strict=True)
    rows = [row for row in held if not (moved and row[2] == folder_name(gallery.root / row[0]))]
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
    folders = folders[names == photos["label"]].drop_duplicates()
    return list(folders[names[folders.index].duplicated(keep=False)])


def labels_from(table: str | os.PathLike, folder: str | os.PathLike) -> Label:
    """Labels from a CSV table with the columns path (relative to `folder`) and label.

    A comma, semicolon or tab may part the columns. A photo that the table does not name has the
    label "". Raises: `VitsimError`, also when none of the photos is there, or one has two labels.
    """
    remedy = "Give a CSV file in UTF-8 with the columns path (relative to the folder) and label."
    try:
        with open(table, encoding="utf-8-sig") as file:
            first = file.readline()
        how = {"dtype": str, "keep_default_na": False, "encoding": "utf-8-sig", "index_col": False}
        how |= {"sep": max(",;\t", key=first.count), "skipinitialspace": True}
        with warnings.catch_warnings(action="ignore"):  # of lines with empty columns at their end
            rows = pd.read_csv(table, **how).fillna("").map(str.strip)
    except (OSError, ValueError) as error:
        reason = f"is no table of labels ({str(error).strip()})"
        raise VitsimError(table, reason, remedy) from error
    # "path" itself, if there is one, before "Path".
    titles = sorted(enumerate(rows), key=lambda title: title[1].strip().islower())
    columns = {name.strip().lower(): rows.iloc[:, at] for at, name in titles}
    if missing := {"path", "label"} - set(columns):
        reason = f"is no table of labels (no column {', '.join(sorted(missing))})"
        raise VitsimError(table, reason, remedy)
    place, labels, twice = _places(folder), {}, {}
    paths = [os.path.join(folder, path.replace("\\", "/")) for path in columns["path"]]
    for path, label in zip(paths, columns["label"], strict=True):
        if labels.setdefault(place(path), label) != label:
            twice[place(path)] = path
    photos = {place(path) for path in find_photos(folder)}
    if both := photos & set(twice):
        reason = f"gives {twice[min(both)]} two labels"
        raise VitsimError(table, reason, "Leave one of the lines.")
    if photos.isdisjoint(labels) and not any(map(os.path.isfile, paths)):
        raise VitsimError(table, f"names no photo of {folder}", remedy)
    return lambda path: labels.get(place(path), "")


def _places(root: str | os.PathLike) -> Callable[[str | Path], str]:
    """One text for each way to write a path; "" on another drive of Windows.

    Backslashes, accents in one sign or in two, and links to folders below `root` are all the same.
    """
    top = os.path.realpath(root)

    @cache
    def way(folder: str) -> str | None:
        real = os.path.realpath(folder)
        inside = Path(real).is_relative_to(top)
        try:
            return os.path.normcase(os.path.relpath(*((real, top) if inside else (folder, root))))
        except ValueError:
            return None

    def place(path: str | Path) -> str:
        folder, name = os.path.split(path)
        if (above := way(folder)) is None:
            return ""
        written = f"{above}/{os.path.normcase(name)}".replace("\\", "/")
        return unicodedata.normalize("NFC", posixpath.normpath(written))

    return place


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


def names_of(path: Path, root: Path) -> tuple[str, ...]:
    """How a photo below `root` may be written in a message."""
    own = root / below(path, root)
    return str(path), str(own), short(own)


def distinct(paths: Iterable[str | os.PathLike], root: Path) -> list[Path]:
    """Each photo once, by the first of its names; a single path is one photo."""
    paths = [paths] if isinstance(paths, str | os.PathLike) else paths
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        found.setdefault(below(path, root), path)
    return list(found.values())


def refuse_another_folder(gallery, root: Path, paths: Iterable[Path]) -> None:
    """Raises `GalleryError` where a `Gallery` would lose photos that are still in another folder.

    If one of `paths`, below `root`, has the name and size of a photo there, it was moved or copied.
    """
    if gallery is None or gallery.root.resolve() == root.resolve():
        return
    held = set(zip(gallery.photos["path"], gallery.photos["bytes"], strict=True))
    if any((below(path, root), _size(path)) in held for path in paths):
        return
    photos = (gallery.root / path for path in gallery.photos["path"])
    top = os.path.realpath(root)
    lost = sum(_size(p) >= 0 and not Path(os.path.realpath(p)).is_relative_to(top) for p in photos)
    if lost:
        reason = f"holds {count(lost, 'photo')} of {gallery.root} not found in {root}"
        remedy = "Index the folder above both, or into another gallery."
        raise GalleryError(gallery.folder, reason, remedy)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # not there, or not any more
        return -1
