"""A collection of photos made searchable: build, add, save, open, match."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from . import store
from .background import remove_background
from .encoder import Encoder, Photo
from .files import sha256
from .images import PhotoError, find_photos, open_photo
from .similarity import top_k
from .store import GalleryError

BATCH = 16  # photos that go through the model at once
SAVE_SECONDS = 5  # a killed index loses this much work at most


@dataclass(frozen=True)
class Match:
    """One answer: `rank` from 1, `score` the cosine similarity (−1 to 1), the photo, its label."""

    rank: int
    score: float
    path: Path
    label: str


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


def folder_name(path: Path) -> str:
    """The usual label of a photo: the name of the folder it lies in."""
    return path.parent.name


@dataclass(frozen=True)
class Gallery:
    """An open gallery; make one with `Gallery.build` or `Gallery.open`.

    `photos` is a table with a line a photo (path relative to `root`, sha256, bytes, label);
    `vectors` `(n, d)` float32 has its row, of norm 1. `skipped` says which photos could not be
    read, `notes` which kept their background. `folder` is None for a gallery in memory.
    """

    encoder: Encoder
    recipe: Recipe
    root: Path
    photos: pd.DataFrame
    vectors: np.ndarray
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    folder: Path | None = field(default=None, compare=False)

    def __len__(self) -> int:
        return len(self.photos)

    @classmethod
    def build(
        cls,
        folder: str | os.PathLike,
        encoder: Encoder,
        out: str | os.PathLike | None = None,
        *,
        paths: Iterable[Path] | None = None,
        label: Callable[[Path], str] = folder_name,
        progress: bool = False,
        **choices: str | None,
    ) -> Gallery:
        """Index the photos below `folder`, or only `paths`; `choices` are fields of `Recipe`.

        With `out` the gallery is kept there: content that it holds already is not embedded
        again, and an index that was killed goes on where it stopped. Photos that cannot be read
        are listed in `skipped`. Raises `GalleryError` when `out` holds something else, was made
        in another way or is being written, and when no photo could be read.
        """
        root = Path(folder)
        paths = find_photos(root) if paths is None else [Path(path) for path in paths]
        recipe = Recipe(encoder.name, encoder.revision, encoder.size, encoder.dim, **choices)
        empty = cls(encoder, recipe, root, pd.DataFrame(columns=store.COLUMNS), np.empty(0))
        if out is None:
            return empty._index(paths, {}, label, progress)
        out = Path(out)
        if out.exists() and not store.is_gallery(out) and (out.is_file() or any(out.iterdir())):
            remedy = "Choose a new folder; nothing was changed."
            raise GalleryError(out, "exists and is not a gallery", remedy)
        with store.only_writer(out):
            known = _vectors_at(out, recipe, encoder)
            return replace(empty, folder=out)._index(paths, known, label, progress).save(out)

    def add(
        self,
        paths: Iterable[Path],
        label: Callable[[Path], str] = folder_name,
        progress: bool = False,
    ) -> Gallery:
        """The gallery with more photos; a photo that it has already is embedded if it changed.

        A gallery on disk is brought up to date there. Raises as `build` does.
        """
        paths = [Path(path) for path in paths]
        if self.folder is None:
            known = dict(zip(self.photos["sha256"], self.vectors, strict=True))
            return self._merge(self._index(paths, known, label, progress))
        with store.only_writer(self.folder):
            known = _vectors_at(self.folder, self.recipe, self.encoder)
            now = Gallery.open(self.folder, self.encoder)  # another program may have added
            return now._merge(now._index(paths, known, label, progress)).save(self.folder)

    def save(self, out: str | os.PathLike) -> Gallery:
        """Write the gallery to the folder `out`, whole or not at all, and open it there."""
        out = Path(out)
        relative = os.path.relpath(self.root.resolve(), out.resolve())
        manifest = {
            "recipe": asdict(self.recipe),
            "root": {"relative": relative, "absolute": str(self.root.resolve())},
            "skipped": self.skipped,
            "notes": self.notes,
        }
        store.write(out, manifest, self.photos, self.vectors)
        return Gallery.open(out, self.encoder)

    @classmethod
    def open(cls, folder: str | os.PathLike, encoder: Encoder | None = None) -> Gallery:
        """Open a gallery from disk, its vectors memory-mapped, every byte checked.

        `encoder=None` loads the one that the gallery was made with. Raises `GalleryError` when the
        gallery is missing or damaged, or was made with another model or revision.
        """
        folder = Path(folder)
        manifest, photos, vectors = store.read(folder)
        recipe = Recipe(**manifest["recipe"])
        encoder = encoder or Encoder.load(recipe.model)
        for name, theirs in (("model", encoder.name), ("revision", encoder.revision)):
            ours = getattr(recipe, name)
            if ours != theirs:
                remedy = f"Use `--model {recipe.model}` as it was then, or index the photos anew."
                raise GalleryError(folder, f"was made with {name} {ours}, not {theirs}", remedy)
        root = folder / manifest["root"]["relative"]
        if not root.is_dir():  # the gallery was moved without its photos
            root = Path(manifest["root"]["absolute"])
        skipped, notes = tuple(manifest["skipped"]), tuple(manifest["notes"])
        return cls(encoder, recipe, root, photos, vectors, skipped, notes, folder)

    def match(self, photo: Photo, k: int = 4, leave_out_query: bool = False) -> list[Match]:
        """The `k` photos most similar to `photo` (a path or an image), best first.

        The query is prepared as the gallery was. Ties come in the order of the table.
        `leave_out_query` drops exact copies of the query file. Raises `PhotoError`.
        """
        image, _ = _prepare(photo, self.recipe)
        query = self.encoder.embed([image], self.recipe.pooling, self.recipe.fit)[0]
        copies = np.zeros(len(self), dtype=bool)
        if leave_out_query and not hasattr(photo, "convert"):
            copies = (self.photos["sha256"] == sha256(photo)).to_numpy()
        rows, scores = top_k(query, self.vectors, k + int(copies.sum()))
        kept = [(row, score) for row, score in zip(rows, scores, strict=True) if not copies[row]]
        table = self.photos.iloc[[row for row, _ in kept[:k]]]
        answers = zip(kept, table["path"], table["label"], strict=False)
        return [
            Match(rank, float(score), self.root / path, label)
            for rank, ((_, score), path, label) in enumerate(answers, start=1)
        ]

    def changes(self) -> list[str]:
        """Photos that are gone, or have another size than when they were indexed, in words."""
        found = []
        for path, size in zip(self.photos["path"], self.photos["bytes"], strict=True):
            try:
                if os.stat(self.root / path).st_size != size:
                    found.append(f"{self.root / path} was changed")
            except OSError:
                found.append(f"{self.root / path} is gone")
        return found

    def _index(self, paths: list[Path], known: dict, label: Callable, progress: bool) -> Gallery:
        """A gallery of `paths` alone; `known` maps the SHA-256 of a file to its vector."""
        from tqdm import tqdm

        rows, skipped, notes, waiting, unsaved = [], [], [], {}, {}

        saved_at = time.monotonic()

        def embed_waiting() -> None:
            nonlocal saved_at
            images = list(waiting.values())
            vectors = self.encoder.embed(images, self.recipe.pooling, self.recipe.fit, BATCH)
            unsaved.update(zip(waiting, vectors, strict=True))
            known.update(unsaved)
            waiting.clear()
            if self.folder and time.monotonic() - saved_at > SAVE_SECONDS:
                store.save_partial(self.folder, unsaved)
                unsaved.clear()
                saved_at = time.monotonic()

        for path in tqdm(paths, "indexing", unit="photo", disable=not progress):
            try:
                digest, size = sha256(path), path.stat().st_size
                if digest not in known and digest not in waiting:
                    waiting[digest], note = _prepare(path, self.recipe)
                    notes += [f"{path}: {note}"] if note else []
            except (PhotoError, OSError) as error:
                skipped.append(str(error))
                continue
            relative = Path(os.path.relpath(path, self.root)).as_posix()
            rows.append((relative, digest, size, label(path)))
            if len(waiting) >= BATCH:
                embed_waiting()
        if waiting:
            embed_waiting()
        if not rows:
            reason = f"none of its {len(paths)} photos can be read. {skipped[0]}" if paths else ""
            remedy = "Give a folder with photos in it."
            raise GalleryError(self.root, reason or "holds no photo", remedy)
        vectors = np.stack([known[digest] for _, digest, _, _ in rows])
        table = pd.DataFrame(rows, columns=store.COLUMNS)
        return replace(
            self, photos=table, vectors=vectors, skipped=tuple(skipped), notes=tuple(notes)
        )

    def _merge(self, more: Gallery) -> Gallery:
        old = ~self.photos["path"].isin(more.photos["path"]).to_numpy()
        photos = pd.concat([self.photos[old], more.photos], ignore_index=True)
        vectors = np.concatenate([self.vectors[old], more.vectors])
        order = np.argsort(photos["path"].to_numpy(), kind="stable")
        photos = photos.iloc[order].reset_index(drop=True)
        skipped, notes = self.skipped + more.skipped, self.notes + more.notes
        return replace(self, photos=photos, vectors=vectors[order], skipped=skipped, notes=notes)


def _prepare(photo: Photo, recipe: Recipe):
    image = photo.convert("RGB") if hasattr(photo, "convert") else open_photo(photo)
    return remove_background(image, recipe.background) if recipe.background else (image, None)


def _vectors_at(folder: Path, recipe: Recipe, encoder: Encoder) -> dict[str, np.ndarray]:
    """SHA-256 → vector: what a finished and what a killed index have left in `folder`."""
    known = store.partial_vectors(folder, asdict(recipe))
    if store.is_finished(folder):
        old = Gallery.open(folder, encoder)
        differ = [
            name for name, ours in asdict(recipe).items() if getattr(old.recipe, name) != ours
        ]
        if differ:
            was = ", ".join(f"{name} {getattr(old.recipe, name)}" for name in differ)
            remedy = "Index with the same choices, or into another folder."
            raise GalleryError(folder, f"was made with {was}", remedy)
        known.update(zip(old.photos["sha256"], np.array(old.vectors), strict=True))
    return known
