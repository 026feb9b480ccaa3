"""The long part of making a gallery: prepare and embed photos so that a kill costs seconds."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from PIL import Image
from tqdm import tqdm

from . import background as backgrounds
from . import store
from .encoder import POOLINGS, Encoder
from .images import FITS, Photo, PhotoError, fingerprint, fit, open_photo
from .known import Known, Rows
from .labels import Label, below, folder_name
from .models import DEFAULT

BATCH = 8 * (os.cpu_count() or 1)  # photos that are embedded at once
AHEAD = 2 * BATCH  # photos that are decoded and fitted while the model works on others


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
