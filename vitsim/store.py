"""A gallery on disk: written whole or not at all, and checked to the last byte when read.

A folder of three files: `manifest.json` (how the gallery was made, and the SHA-256 of the other
two), `photos.csv` (a line a photo) and `vectors.npy` (a row a photo). A new version is first
written to `pending/`, which appears by one rename; then its files move into place, the manifest
last. A reader takes a file from `pending/` if it is there, so that at every moment, also after a
kill, there is exactly one complete version. What a running index has embedded so far lies in
`partial/`. `vitsim.lock` keeps other writers out, and marks the folder as ours even before the
first version is there. Nothing is ever read as a pickle.
"""

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from . import VitsimError
from .files import installed, sha256

FORMAT = 2  # 2: cut-outs are cropped
MANIFEST, DATA = "manifest.json", ("photos.csv", "vectors.npy")
COLUMNS = ["path", "sha256", "bytes", "label", "note"]  # note: why a background was kept
LOCK, TAG = "vitsim.lock", Path("partial", "recipe.json")
# File names may hold line ends, and on Linux bytes that are no text. Texts are Python's own
# (object): pandas' strings, where pyarrow is installed, refuse such bytes.
CSV = {"dtype": object, "keep_default_na": False, "encoding_errors": "surrogateescape"}
LIBRARIES = ("vitsim", "torch", "transformers", "pillow", "rembg")
MAPPED = None if os.name == "nt" else "r"  # Windows replaces no file that is mapped into memory
SCALE = 'Run `pip install "vitsim[scale]"`.'  # what to do where Ray or Milvus is missing


class GalleryError(VitsimError):
    """A gallery that cannot be used. The message names the gallery, the reason and the way out."""


class GalleryBusy(GalleryError):
    """Another program is writing the gallery."""


def table(rows: list[tuple]) -> pd.DataFrame:
    """A line a photo, with `COLUMNS`."""
    return pd.DataFrame(rows, columns=COLUMNS, dtype=object).astype({"bytes": int})


def is_gallery(folder: Path) -> bool:
    """Whether `folder` is a gallery, finished or not, sound or not.

    One name alone does not make a gallery: other programs, too, write a `manifest.json`.
    """
    if any((folder / name).exists() for name in (LOCK, TAG, Path("pending", MANIFEST))):
        return True
    return sum((folder / name).exists() for name in (MANIFEST, *DATA)) >= 2


def is_finished(folder: Path) -> bool:
    """Whether there is a version in `folder`, sound or not, and not only the start of one."""
    return any(_current(folder, name).is_file() for name in (MANIFEST, *DATA))


def read(folder: Path) -> tuple[dict, pd.DataFrame, np.ndarray]:
    """(manifest, photos, vectors), the vectors memory-mapped, except on Windows.

    Raises `GalleryError` if a byte is not right, `GalleryBusy` when a writer changes it whenever it
    is read.
    """
    for _ in range(5):  # a writer may change versions between the reading of one file and the next
        before = _state(folder)
        try:
            found = _read(folder)
        except GalleryError:
            if before == _state(folder):
                raise
        else:
            if before == _state(folder):
                return found
    raise GalleryBusy(folder, "is being written all the time", "Try again in a moment.")


def home_of(photos: pd.DataFrame, roots: list[Path]) -> Path:
    """The first root that half of the photos lie in, by name and size; else that with most of them.

    A gallery may be moved alone, or together with its photos.
    """

    def held(root: Path) -> int:
        found = (_stat(root / path) or (0,) for path in photos["path"])
        return sum(stat[-1] == size for stat, size in zip(found, photos["bytes"], strict=True))

    places = [root for root in dict.fromkeys(roots) if root.is_dir()] or roots
    if len(places) == 1:
        return places[0]
    here = (place for place in places if 2 * held(place) >= len(photos))
    return next(here, None) or max(places, key=held)


def _state(folder: Path) -> list[tuple]:
    """Changes whenever a file of the gallery is put in place or moved away."""
    return [_stat(folder / at / name) for at in ("pending", "") for name in (*DATA, MANIFEST)]


def _stat(path: Path) -> tuple | None:
    try:
        stat = path.stat()
    except OSError:  # not there, or not any more
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _read(folder: Path) -> tuple[dict, pd.DataFrame, np.ndarray]:
    if not is_gallery(folder):
        remedy = "Make one: vitsim index PHOTOS --out GALLERY."
        raise GalleryError(folder, "is not a gallery", remedy)
    if not is_finished(folder):
        remedy = "Run the same `vitsim index` again: it goes on where it stopped."
        raise GalleryError(folder, "was never finished", remedy)
    rebuild = f"Delete that folder and make it again: vitsim index PHOTOS --out {folder}."
    try:
        manifest = json.loads(_current(folder, MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] > FORMAT:
            raise GalleryError(folder, "is of a newer format", "Install a newer vitsim.")
        if manifest["format"] < FORMAT:
            raise GalleryError(folder, "is of an older format", rebuild)
        if manifest.pop("sha256") != _digest(manifest):
            raise GalleryError(folder, f"is damaged ({MANIFEST})", rebuild)
        for name in DATA:
            if sha256(_current(folder, name)) != manifest["files"][name]:
                raise GalleryError(folder, f"is damaged ({name})", rebuild)
        text = _current(folder, "photos.csv")
        photos = pd.read_csv(text, **CSV).astype({"bytes": int})
        vectors = np.load(_current(folder, "vectors.npy"), mmap_mode=MAPPED, allow_pickle=False)
    except PermissionError as error:
        remedy = "Ask whoever made it to let you read its files."
        raise GalleryError(folder, f"may not be read ({error.filename})", remedy) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GalleryError(folder, f"is damaged ({error})", rebuild) from error
    return manifest, photos, vectors


def write(
    folder: Path, manifest: dict, photos: pd.DataFrame, vectors: Iterable[np.ndarray]
) -> None:
    """Put a new version in place of whatever version is there; call it as `only_writer`.

    `vectors`: an array `(n, d)`, or what has its shape and gives its rows, one after another.
    Raises `GalleryError` when it cannot be written; then the version that was there is whole.
    """
    new = folder / "new"
    shutil.rmtree(new, ignore_errors=True)
    with telling(folder):
        try:
            _write(new, manifest, photos, vectors)
            os.rename(new, folder / "pending")  # from here on the new version counts
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        _finish(folder)
    shutil.rmtree(folder / "partial", ignore_errors=True)


def _write(new: Path, manifest: dict, photos: pd.DataFrame, vectors: Iterable) -> None:
    new.mkdir(parents=True)
    how = {"lineterminator": "\n", "quoting": csv.QUOTE_NONNUMERIC, "errors": "surrogateescape"}
    photos.to_csv(new / "photos.csv", index=False, **how)
    header = {"descr": "<f4", "fortran_order": False, "shape": vectors.shape}
    with open(new / "vectors.npy", "wb") as file:  # as `np.save`, which wants all rows at once
        np.lib.format.write_array_header_1_0(file, header)
        file.writelines(np.asarray(row, "<f4").tobytes() for row in vectors)
    files = {name: sha256(new / name) for name in DATA}
    libraries = {name: installed(name) or "not installed" for name in LIBRARIES}
    manifest = manifest | {"format": FORMAT, "libraries": libraries, "files": files}
    manifest["sha256"] = _digest(manifest)
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    (new / MANIFEST).write_text(text, encoding="utf-8")
    for name in (*DATA, MANIFEST):
        with open(new / name, "rb+") as file:
            os.fsync(file.fileno())


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Keep other writers out of `folder`, which is made if it is not there.

    Raises `GalleryBusy` at once when one is at work, and `GalleryError` when the folder holds
    something else than a gallery or cannot be written; nothing is changed then.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK)
    with telling(folder):
        if folder.exists() and not (folder.is_dir() and (is_gallery(folder) or _empty(folder))):
            remedy = "Choose a new folder; nothing was changed."
            raise GalleryError(folder, "exists and is not a gallery", remedy)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            remedy = "Wait until it has ended, then run the same command."
            raise GalleryBusy(folder, "is being written by another program", remedy) from error
    try:
        with telling(folder):
            _finish(folder)
        yield
    finally:
        lock.release()


@contextmanager
def telling(folder: Path) -> Iterator[None]:
    """Turn what the system says of a folder that cannot be written into a `GalleryError`."""
    try:
        yield
    except OSError as error:
        reason = f"cannot be written ({error.strerror or error})"
        remedy = "Make room or choose another folder, then run the same command again."
        raise GalleryError(folder, reason, remedy) from error


def _empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def _current(folder: Path, name: str) -> Path:
    pending = folder / "pending" / name
    return pending if pending.exists() else folder / name


def _finish(folder: Path) -> None:
    """Move a pending version into place. Harmless when there is none, or half of one."""
    pending = folder / "pending"
    if pending.is_dir():
        for name in (*DATA, MANIFEST):
            if (pending / name).exists():
                os.replace(pending / name, folder / name)
        pending.rmdir()


def _digest(manifest: dict) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
