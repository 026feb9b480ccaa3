"""A collection of photos made searchable: build, add, save, open, match."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from . import distributed, indexing, labels, milvus, store
from .encoder import Encoder
from .files import cache_folder
from .images import SUFFIXES, Photo, PhotoError, find_photos, fingerprint
from .indexing import Recipe, prepare
from .known import Known, left_over
from .labels import Label, folder_name
from .similarity import top_k
from .store import GalleryBusy, GalleryError

ENGINES = {"local": indexing.embed_photos, "ray": distributed.embed_photos}


@dataclass(frozen=True)
class Match:
    """One answer: `rank` from 1, `score` the cosine similarity (−1 to 1), the photo, its label."""

    rank: int
    score: float
    path: Path
    label: str


@dataclass(frozen=True, eq=False)
class Gallery:
    """An open gallery; make one with `Gallery.build` or `Gallery.open`.

    `photos` is a table with a line a photo (path relative to `root`, sha256, bytes, label, note);
    `vectors` `(n, d)` float32 has its row, of norm 1. `skipped` says which photos could not be
    read. `folder` is None for a gallery in memory. Of one in Milvus both lie there: `photos` is
    empty here, and `vectors` can only be searched.
    """

    encoder: Encoder
    recipe: Recipe
    root: Path
    photos: pd.DataFrame
    vectors: np.ndarray | milvus.Collection
    skipped: tuple[str, ...] = ()
    folder: Path | None = None

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def notes(self) -> tuple[str, ...]:
        """Which photos kept their background, and why."""
        noted = self.photos[self.photos["note"] != ""]
        return tuple(f"{self.root / row.path}: {row.note}" for row in noted.itertuples())

    @classmethod
    def build(
        cls,
        folder: str | os.PathLike,
        encoder: Encoder,
        out: str | os.PathLike | None = None,
        *,
        paths: Iterable[Path] | None = None,
        label: Label | None = None,
        progress: bool = False,
        engine: str = "local",
        address: str | None = None,
        **choices: str | None,
    ) -> Gallery:
        """Index the photos below `folder`, or only `paths`; `choices` are those of `Recipe.of`.

        With `out` the gallery is kept there: content that it holds already is not embedded
        again, and an index that was killed goes on where it stopped. Photos that cannot be read
        are listed in `skipped`. `label=None`: a photo keeps the label that it has there; a new one
        has the name of its folder. `engine="ray"` embeds with Ray, on every core of this machine or
        on the cluster at `address`; the gallery is the same. Raises `ValueError` or `ModelError`
        for a choice that does not exist, `PhotoError` for no folder, `GalleryError` when no photo
        could be read, or `out` holds something else, the photos of another folder among it, was
        made in another way or is being written, `VitsimError` for Ray.
        """
        if engine not in ENGINES or (address and engine != "ray"):
            raise ValueError(f"engine={engine!r}: expected local, or ray, which takes an address")
        root = labels.own_name(folder)
        paths = find_photos(root) if paths is None else labels.distinct(paths, root)
        if not paths:
            remedy = f"Give a folder with photos ({', '.join(sorted(SUFFIXES))})."
            raise GalleryError(root, "holds no photo", remedy)
        recipe = Recipe.of(encoder, **choices)
        empty = cls(encoder, recipe, root, store.table([]), np.empty(0))
        engine = ENGINES[engine] if address is None else partial(ENGINES[engine], address=address)
        if out is None:
            return empty._index(paths, Known(), label or folder_name, progress, engine)
        out = Path(out)
        with store.only_writer(out):
            known, old = _known_at(out, recipe, encoder)
            labels.refuse_another_folder(old, root, paths)
            label = label or labels.kept_labels(old, root)
            new = replace(empty, folder=out)._index(paths, known, label, progress, engine)
            return new._save(out)

    @classmethod
    def cached(
        cls,
        folder: str | os.PathLike,
        encoder: Encoder,
        paths: list[Path] | None = None,
        progress: bool = False,
        **choices: str | None,
    ) -> Gallery:
        """As `build`, kept in the cache folder if that can be: the second time is a look-up."""
        how = (str(Path(folder).resolve()), paths, Recipe.of(encoder, **choices))
        kept = cache_folder() / "galleries" / hashlib.sha256(repr(how).encode()).hexdigest()[:16]
        make = {"paths": paths, "progress": progress} | choices
        for _ in range(1 + store.is_finished(kept)):  # once more where what is there was damaged
            try:
                return cls.build(folder, encoder, kept, **make)
            except GalleryBusy:  # another program is filling it
                break
            except GalleryError:  # damaged, or no disk left: it is only a cache
                shutil.rmtree(kept, ignore_errors=True)
        return cls.build(folder, encoder, **make)

    def add(
        self, paths: Iterable[Path], label: Label | None = None, progress: bool = False
    ) -> Gallery:
        """The gallery with more photos; a photo that it has already is embedded if it changed.

        A gallery on disk is brought up to date there. Labels and errors are those of `build`.
        """
        if not (paths := labels.distinct(paths, self.root)):
            return self
        if self.folder is None:
            label = label or labels.kept_labels(self, self.root)
            held = zip(self.photos["sha256"], self.vectors, self.photos["note"], strict=True)
            return self._merge(self._index(paths, Known(held), label, progress), paths)
        with store.only_writer(self.folder):
            known, _ = _known_at(self.folder, self.recipe, self.encoder)
            now = Gallery.open(self.folder, self.encoder)  # another program may have added
            more = now._index(paths, known, label or labels.kept_labels(now, self.root), progress)
            return now._merge(more, paths)._save(self.folder)

    def save(self, out: str | os.PathLike) -> Gallery:
        """Write the gallery to the folder `out`, whole or not at all, and open it there.

        Raises `GalleryError` as `build` does.
        """
        held = replace(self, vectors=np.asarray(self.vectors))  # or refused, before `out` is there
        with store.only_writer(Path(out)):
            _, old = _known_at(Path(out), self.recipe, self.encoder)
            paths = [self.root / path for path in self.photos["path"]]
            labels.refuse_another_folder(old, self.root, paths)
            return held._save(Path(out))

    def _save(self, out: Path) -> Gallery:
        roots = [str(self.root.resolve())]
        with suppress(ValueError):  # on Windows there is no way from one drive to another
            roots.insert(0, Path(os.path.relpath(roots[0], out.resolve())).as_posix())
        manifest = {"recipe": asdict(self.recipe), "roots": roots, "skipped": self.skipped}
        store.write(out, manifest, self.photos, self.vectors)
        return Gallery.open(out, self.encoder)

    def to_milvus(self, uri: str, index: str = "FLAT") -> Gallery:
        """Put the gallery into Milvus, a file that ends in `.db` or a server, and open it there.

        `index` is FLAT (exact) or HNSW. Raises `ValueError` for another one, `GalleryError`
        also where the place holds a gallery that was made in another way.
        """
        about = {"recipe": asdict(self.recipe), "root": str(self.root.resolve())}
        milvus.write(uri, about, self.photos, np.asarray(self.vectors), index)
        return Gallery.open(milvus.PREFIX + uri, self.encoder)

    @classmethod
    def open(cls, folder: str | os.PathLike, encoder: Encoder | None = None) -> Gallery:
        """Open a gallery from disk, its vectors memory-mapped (not on Windows), every byte checked.

        "milvus:FILE.db" or "milvus:http://HOST:19530" searches one that `to_milvus` put there.
        `encoder=None` loads the one that the gallery was made with. Raises `GalleryError` when the
        gallery is missing, damaged or of another model or revision, `ModelError` without its model.
        """
        if str(folder).startswith(milvus.PREFIX):
            manifest, vectors = milvus.read(str(folder).removeprefix(milvus.PREFIX))
            photos = store.table([])
        else:
            manifest, photos, vectors = store.read(folder := Path(folder))
        recipe = Recipe(**manifest["recipe"])
        encoder = encoder or Encoder.load(recipe.model)
        recipe.check(folder, encoder)
        if isinstance(vectors, milvus.Collection):
            return cls(encoder, recipe, Path(manifest["root"]), photos, vectors)
        root = store.home_of(photos, [(folder / root).resolve() for root in manifest["roots"]])
        return cls(encoder, recipe, root, photos, vectors, tuple(manifest["skipped"]), folder)

    def match(self, photo: Photo, k: int = 4, leave_out_query: bool = False) -> list[Match]:
        """The `k` photos most similar to `photo` (a path or an image), best first.

        The query is prepared as the gallery was. Ties come in the order of the table.
        `leave_out_query` drops exact copies of the query file. Raises `PhotoError`, `ValueError`
        for k < 1, and `GalleryError` when Milvus does not answer.
        """
        if k < 1:
            raise ValueError(f"k={k}: expected at least 1")
        image, _ = prepare(photo, self.recipe)
        query = self.encoder.embed([image], self.recipe.pooling, self.recipe.fit)[0]
        leaves_out = leave_out_query and not isinstance(photo, Image.Image)
        digest = fingerprint(photo)[0] if leaves_out else ""
        if isinstance(self.vectors, milvus.Collection):
            table, scores = self.vectors.search(query, k, digest)
        else:
            copies = (self.photos["sha256"] == digest).to_numpy()
            rows, scores = top_k(query, self.vectors, k + int(copies.sum()))
            kept = ~copies[rows]
            table, scores = self.photos.iloc[rows[kept][:k]], scores[kept][:k]
        answers = zip(scores, table["path"], table["label"], strict=True)
        return [
            Match(rank, float(score), self.root / path, label)
            for rank, (score, path, label) in enumerate(answers, start=1)
        ]

    def changes(self) -> list[str]:
        """Photos that are gone, or have another size than when they were indexed, in words."""
        found = []
        for name, size in zip(self.photos["path"], self.photos["bytes"], strict=True):
            path = os.path.join(self.root, name)
            try:
                if os.stat(path).st_size != size:
                    found.append(f"{path} was changed")
            except OSError:
                found.append(f"{path} is gone")
        return found

    def changed(self, matches: Iterable[Match], resized: bool = False) -> list[str]:
        """Which photos of `matches` hold another picture of the same size than was indexed.

        `changes` tells of other sizes; with `resized` this does, too. In Milvus: which are gone.
        """
        if self.photos.empty:
            return [f"{m.path} is gone" for m in matches if not m.path.exists()]
        paths = {Path(os.path.relpath(m.path, self.root)).as_posix(): m.path for m in matches}
        was, found = self.photos[self.photos["path"].isin(paths)], []
        for name, digest, size in zip(was["path"], was["sha256"], was["bytes"], strict=True):
            with suppress(PhotoError):  # gone: `changes` says so
                now, now_size = fingerprint(paths[name])
                if now != digest and (resized or now_size == size):
                    found.append(f"{paths[name]} was changed")
        return found

    def _index(
        self,
        paths: list[Path],
        known: Known,
        label: Label,
        progress: bool,
        engine: Callable = indexing.embed_photos,
    ) -> Gallery:
        """A gallery of `paths` alone; what is `known` already is not embedded."""
        photos, vectors, skipped = engine(
            paths, self.root, self.encoder, self.recipe, known, label, progress
        )
        if photos.empty:
            reason = f"none of its {len(paths)} photos can be read"
            raise GalleryError(self.root, reason, f"The first one: {skipped[0]}")
        vectors = vectors if self.folder else np.asarray(vectors)  # on disk: read when written
        return replace(self, photos=photos, vectors=vectors, skipped=tuple(skipped))

    def _merge(self, more: Gallery, asked: list[Path]) -> Gallery:
        old = ~self.photos["path"].isin(more.photos["path"]).to_numpy()
        photos = pd.concat([self.photos[old], more.photos], ignore_index=True)
        vectors = np.concatenate([self.vectors[old], more.vectors])
        order = np.argsort(photos["path"].to_numpy(), kind="stable")
        photos = photos.iloc[order].reset_index(drop=True)
        told = tuple(f"{n}: " for path in asked for n in labels.names_of(path, self.root))  # anew
        skipped = tuple(line for line in self.skipped if not line.startswith(told)) + more.skipped
        return replace(self, photos=photos, vectors=vectors[order], skipped=skipped)


def _known_at(folder: Path, recipe: Recipe, encoder: Encoder) -> tuple[Known, Gallery | None]:
    """What a finished and a killed index have left in `folder`; and the gallery there, if any."""
    how = asdict(replace(recipe, model=""))  # the revision tells the weights
    if old := store.is_finished(folder) and Gallery.open(folder, encoder):
        choices = ("pooling", "fit", "background")
        if differ := [name for name in choices if getattr(old.recipe, name) != how[name]]:
            was = ", ".join(f"{name} {getattr(old.recipe, name) or 'kept'}" for name in differ)
            remedy = "Index with the same choices, or into another folder."
            raise GalleryError(folder, f"was made with {was}", remedy)
    found = left_over(folder, how)
    if old:
        found.add_file(folder / "vectors.npy", old.photos["sha256"], old.photos["note"])
    return found, old or None
