"""What is embedded already, while a gallery is made: the vectors on disk, in memory only a digest.

A gallery that is there and `partial/`, what a killed index has left, are where it begins. What is
embedded since joins `partial/` every few seconds. So memory does not grow with the vectors.
"""

import json
import shutil
import time
from collections import ChainMap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np

from .files import atomic
from .store import FORMAT, TAG, telling

BLOCK = 1024  # rows of a gallery that are read at once
SAVE_SECONDS = 5  # a killed index loses this much work and one batch at most


class Known:
    """By the SHA-256 of a photo: why its background was kept, "" if it was not, and its vector.

    `folder` is that of the gallery which is being made, if it is to be on disk.
    """

    def __init__(
        self, embedded: Iterable[tuple[str, np.ndarray, str]] = (), folder: Path | None = None
    ) -> None:
        self.folder, self._saved_at = folder, time.monotonic()
        self._at: dict[str, tuple[str, Path | None, int]] = {}  # note, file, row
        self._fresh: dict[str, np.ndarray] = {}  # in no file yet
        self._block = lru_cache(4)(_block)
        for one in embedded:
            self.add(*one)

    def __contains__(self, digest: str) -> bool:
        return digest in self._at

    def over(self) -> "Known":
        """Another one that knows the same; what it learns stays its own."""
        found = Known()
        found._at, found._fresh = ChainMap({}, self._at), ChainMap({}, self._fresh)
        return found

    def notes(self) -> dict[str, str]:
        """The notes by the digest."""
        return {digest: note for digest, (note, _, _) in self._at.items()}

    def note(self, digest: str) -> str:
        """Why the background was kept, or ""."""
        return self._at[digest][0]

    def vector(self, digest: str) -> np.ndarray:
        """(d,) float32."""
        _, path, row = self._at[digest]
        if path is None:
            return self._fresh[digest]
        return self._block(path, row // BLOCK)[row % BLOCK]

    def add(self, digest: str, vector: np.ndarray, note: str) -> None:
        """Learn of one photo more."""
        self._at[digest], self._fresh[digest] = (note, None, 0), vector

    def add_file(self, path: Path, digests: Sequence[str], notes: Sequence[str]) -> None:
        """Add the rows of a file of vectors: a gallery's, or a part that `save` wrote."""
        for row, (digest, note) in enumerate(zip(digests, notes, strict=True)):
            self._at[digest] = (note, path, row)
            self._fresh.pop(digest, None)

    def save_at_times(self) -> None:
        """`save`, every few seconds; without a folder never."""
        if self.folder and time.monotonic() - self._saved_at > SAVE_SECONDS:
            self.save()
            self._saved_at = time.monotonic()

    def save(self) -> None:
        """Write what is new into `partial/` of the gallery, so that a kill does not cost it."""
        part = self.folder / TAG.parent
        while self._fresh:
            last = max((int(path.stem) for path in part.glob("[0-9]*.npz")), default=-1)
            chunk = part / f"{last + 1:06d}.npz"
            digests = list(self._fresh)[:BLOCK]
            notes = [self.note(digest) for digest in digests]
            with telling(self.folder), atomic(chunk) as path:
                vectors = np.stack([self._fresh[digest] for digest in digests])
                np.savez(path, sha256=digests, vectors=vectors, notes=notes)
            self.add_file(chunk, digests, notes)


class Rows:
    """The vectors of `digests` as the rows of a matrix `(n, d)` that is read when it is needed."""

    def __init__(self, known: Known, digests: Sequence[str], dim: int) -> None:
        self.known, self.digests, self.shape = known, digests, (len(digests), dim)

    def __iter__(self) -> Iterator[np.ndarray]:
        return map(self.known.vector, self.digests)

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        return np.array(list(self), dtype or np.float32).reshape(self.shape)


def left_over(folder: Path, recipe: dict) -> Known:
    """What a killed index has left in `folder`, if it embedded in the same way."""
    tag, text = folder / TAG, json.dumps(recipe | {"format": FORMAT}, sort_keys=True).encode()
    with telling(folder):
        if not tag.is_file() or tag.read_bytes() != text:
            shutil.rmtree(tag.parent, ignore_errors=True)
            with atomic(tag) as path:
                path.write_bytes(text)
    known = Known(folder=folder)
    for path in sorted(tag.parent.glob("[0-9]*.npz")):
        # A damaged one is passed over: its photos are embedded again.
        with suppress(Exception), np.load(path, allow_pickle=False) as part:
            digests, notes = part["sha256"].tolist(), part["notes"].tolist()
            if len(part["vectors"]) == len(digests):  # read, so that damage is noticed here
                known.add_file(path, digests, notes)
    return known


def _block(path: Path, number: int) -> np.ndarray:
    """Rows from `number` · `BLOCK` on. Copied, so that no file is held open."""
    part = slice(number * BLOCK, (number + 1) * BLOCK)
    held = np.load(path, mmap_mode="r", allow_pickle=False)
    if path.suffix == ".npy":
        return np.array(held[part])
    with held:
        return held["vectors"][part]
