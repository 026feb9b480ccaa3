"""A gallery on disk: written whole or not at all, and checked to the last byte when read.

A folder of three files: `manifest.json` (how the gallery was made, and the SHA-256 of the other
two), `photos.csv` (a line a photo) and `vectors.npy` (a row a photo). A new version is first
written to `pending/`, which appears by one rename; then its files move into place, the manifest
last. A reader takes a file from `pending/` if it is there, so that at every moment, also after a
kill, there is exactly one complete version. What a running index has embedded so far lies in
`partial/`.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd

from . import VitsimError
from .files import atomic, sha256

FORMAT = 1
MANIFEST, DATA = "manifest.json", ("photos.csv", "vectors.npy")
COLUMNS = ["path", "sha256", "bytes", "label"]
LIBRARIES = ("vitsim", "torch", "transformers", "pillow", "rembg")


class GalleryError(VitsimError):
    """A gallery that cannot be used. The message names the gallery, the reason and the way out."""


def is_gallery(folder: Path) -> bool:
    """Whether `folder` is a gallery, finished or not, sound or not."""
    return any((folder / name).exists() for name in (MANIFEST, "pending", "partial"))


def is_finished(folder: Path) -> bool:
    return _current(folder, MANIFEST).is_file()


def read(folder: Path) -> tuple[dict, pd.DataFrame, np.ndarray]:
    """(manifest, photos, memory-mapped vectors). Raises `GalleryError` if a byte is not right."""
    if not is_gallery(folder):
        remedy = "Make one: vitsim index PHOTOS --out GALLERY."
        raise GalleryError(folder, "is not a gallery", remedy)
    if not is_finished(folder):
        remedy = "Run the same `vitsim index` again: it goes on where it stopped."
        raise GalleryError(folder, "was never finished", remedy)
    rebuild = f"Delete it and build it again: vitsim index PHOTOS --out {folder}."
    try:
        manifest = json.loads(_current(folder, MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] > FORMAT:
            raise GalleryError(folder, "is of a newer format", "Install a newer vitsim.")
        if manifest.pop("sha256") != _digest(manifest):
            raise GalleryError(folder, f"is damaged ({MANIFEST})", rebuild)
        for name in DATA:
            if sha256(_current(folder, name)) != manifest["files"][name]:
                raise GalleryError(folder, f"is damaged ({name})", rebuild)
        text = _current(folder, "photos.csv")
        photos = pd.read_csv(text, dtype=str, keep_default_na=False).astype({"bytes": int})
        vectors = np.load(_current(folder, "vectors.npy"), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GalleryError(folder, f"is damaged ({error})", rebuild) from error
    return manifest, photos, vectors


def write(folder: Path, manifest: dict, photos: pd.DataFrame, vectors: np.ndarray) -> None:
    """Put a new version in place of whatever version is there."""
    new = folder / "new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    photos.to_csv(new / "photos.csv", index=False, lineterminator="\n")
    np.save(new / "vectors.npy", vectors)
    files = {name: sha256(new / name) for name in DATA}
    manifest = manifest | {"format": FORMAT, "libraries": _versions(), "files": files}
    manifest["sha256"] = _digest(manifest)
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    (new / MANIFEST).write_text(text, encoding="utf-8")
    for name in (*DATA, MANIFEST):
        with open(new / name, "rb+") as file:
            os.fsync(file.fileno())
    os.rename(new, folder / "pending")  # from here on the new version counts
    _finish(folder)
    shutil.rmtree(folder / "partial", ignore_errors=True)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Keep other writers out. Raises `GalleryError` at once when one is at work."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            _finish(folder)
            yield
    except Timeout as error:
        remedy = "Wait until it has ended, then run the same command."
        raise GalleryError(folder, "is being written by another program", remedy) from error


def partial_vectors(folder: Path, recipe: dict) -> dict[str, np.ndarray]:
    """Content → vector: what a killed index has left, if it embedded in the same way."""
    partial = folder / "partial"
    tag, text = partial / "recipe.json", json.dumps(recipe, sort_keys=True)
    if not tag.exists() or tag.read_text(encoding="utf-8") != text:
        shutil.rmtree(partial, ignore_errors=True)
        with atomic(tag) as path:
            path.write_text(text, encoding="utf-8")
    known = {}
    for chunk in sorted(partial.glob("[0-9]*.npz")):
        with np.load(chunk, allow_pickle=False) as part:
            known.update(zip(part["sha256"].tolist(), part["vectors"], strict=True))
    return known


def save_partial(folder: Path, vectors: dict[str, np.ndarray]) -> None:
    """Keep some embedded photos, so that a killed index need not embed them again."""
    partial = folder / "partial"
    number = len(list(partial.glob("[0-9]*.npz")))
    with atomic(partial / f"{number:06d}.npz") as path:
        np.savez(path, sha256=list(vectors), vectors=np.stack(list(vectors.values())))


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


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
