"""A gallery in Milvus: a local file through Milvus Lite, or a cluster by its address.

A collection holds a row a photo. Another beside it says how they were made; it is written last, so
that a gallery without it was never finished. Only the address that was given is contacted.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from .similarity import best
from .store import FORMAT, SCALE, GalleryError, table

PREFIX = "milvus:"  # the place of such a gallery begins with this
NAME, ABOUT = "vitsim", f"vitsim_recipe_{FORMAT}"  # the two collections
FIELDS = {"id", "vector", "sha256", "photo"}
CHUNK, MOST = 1000, 16384  # rows in a message, and what Milvus answers at most
TEXT = 65535  # bytes: Milvus' longest VARCHAR
INDEXES = {"FLAT": {}, "HNSW": {"M": 32, "efConstruction": 200}}


@dataclass(frozen=True)
class Collection:
    """The vectors of a gallery in Milvus, in place of an array: to be searched, not read."""

    uri: str
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, rows: object) -> np.ndarray:
        remedy = "Use the gallery on disk that it was made from."
        raise GalleryError(PREFIX + self.uri, "can only be searched", remedy)

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        return self[:]

    def search(self, query: np.ndarray, k: int, but: str = "") -> tuple[pd.DataFrame, np.ndarray]:
        """As `similarity.top_k`: (lines of the gallery's table, scores), best first.

        Passes over copies of the file with the SHA-256 `but`. Raises `GalleryError`.
        """
        how = {"output_fields": ["photo"], "filter": f'sha256 != "{but}"' if but else ""}
        lines = {}

        def search(ask: int) -> tuple[np.ndarray, np.ndarray]:
            wide = {"params": {"ef": max(ask, 64)}}  # of HNSW, which else gives fewer than asked
            (hits,) = client.search(
                NAME, data=[query.tolist()], limit=ask, search_params=wide, **how
            )
            lines.update({hit["id"]: json.loads(hit["entity"]["photo"]) for hit in hits})
            scores, rows = ([hit[key] for hit in hits] for key in ("distance", "id"))
            return np.array(scores, np.float32), np.array(rows, np.int64)

        with _connected(self.uri) as client:
            rows, scores = best(search, min(self.count, MOST), k)
        return table([lines[row] for row in rows]), scores


def read(uri: str) -> tuple[dict, Collection]:
    """(what was said about the gallery when it was written, its vectors). Raises `GalleryError`."""
    remedy = f'Make it from a gallery on disk: Gallery.open(FOLDER).to_milvus("{uri}").'
    if (file := _file(uri)) and not file.exists():  # Milvus Lite would make it
        raise GalleryError(PREFIX + uri, "does not exist", remedy)
    with _connected(uri) as client:
        about = _about(client)
        if about is None:
            raise GalleryError(PREFIX + uri, "holds no finished gallery", remedy)
        client.load_collection(NAME)
    return about, Collection(uri, about.pop("count"))


def _file(uri: str) -> Path | None:
    """The local file, or None for a server."""
    return None if "://" in uri else Path(os.path.expanduser(uri))


def _about(client) -> dict | None:
    """What was said about the gallery when it was written; None if that was never finished."""
    if not client.has_collection(ABOUT):
        return None
    client.load_collection(ABOUT)  # what another process wrote cannot be asked before
    rows = client.query(ABOUT, filter="id == 0", output_fields=["photo"])
    return json.loads(rows[0]["photo"]) if rows else None


def write(uri: str, about: dict, photos: pd.DataFrame, vectors: np.ndarray, index: str) -> None:
    """Put a gallery into Milvus, in place of one that was made in the same way.

    `about["recipe"]` tells the way; `index` is FLAT, exact, or HNSW, faster.
    Raises `GalleryError`, and `ValueError` for another `index`.
    """
    if index not in INDEXES:
        raise ValueError(f"index={index!r}: expected one of {', '.join(INDEXES)}")
    with _connected(uri) as client:
        held = _about(client)
        if held and held["recipe"] != about["recipe"]:
            remedy = "Choose another place; nothing was changed."
            raise GalleryError(PREFIX + uri, "holds a gallery made in another way", remedy)
        if client.has_collection(NAME):
            fields = {field["name"] for field in client.describe_collection(NAME)["fields"]}
            if fields != FIELDS:
                reason = f"holds a collection {NAME} that is no gallery"
                raise GalleryError(PREFIX + uri, reason, "Choose another place or database.")
        client.drop_collection(ABOUT)
        _fill(client, NAME, photos.to_numpy().tolist(), photos["sha256"], vectors, index)
        _fill(client, ABOUT, [about | {"count": len(photos)}], [""], np.eye(1, 2), "FLAT")


def _fill(client, name: str, lines: list, digests: list[str], vectors, index: str) -> None:
    from pymilvus import DataType

    client.drop_collection(name)
    schema = client.create_schema(auto_id=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
    schema.add_field("sha256", DataType.VARCHAR, max_length=64)
    schema.add_field("photo", DataType.VARCHAR, max_length=TEXT)
    how = client.prepare_index_params()
    # The inner product of vectors of norm 1 is their cosine.
    how.add_index("vector", index_type=index, metric_type="IP", params=INDEXES[index])
    client.create_collection(name, schema=schema, index_params=how, consistency_level="Strong")
    for start in range(0, len(lines), CHUNK):
        part = slice(start, start + CHUNK)
        rows = zip(digests[part], lines[part], np.float32(vectors[part]), strict=True)
        client.insert(
            name,
            [
                {"id": n, "sha256": digest, "photo": json.dumps(line), "vector": vector}
                for n, (digest, line, vector) in enumerate(rows, start)
            ],
        )
    client.flush(name)


@contextmanager
def _connected(uri: str) -> Iterator:
    """A client; `MILVUS_TOKEN` is its token. What Milvus complains of becomes a `GalleryError`."""
    try:
        from pymilvus import MilvusClient, MilvusException
    except ImportError as error:
        raise GalleryError(PREFIX + uri, "needs pymilvus", SCALE) from error
    if (file := _file(uri)) and not uri.endswith(".db"):
        raise GalleryError(PREFIX + uri, "is not a Milvus file", "Its name must end in .db.")
    if file and not file.parent.is_dir():
        raise GalleryError(PREFIX + uri, "is in a folder that does not exist", "Make it first.")
    if file and not find_spec("milvus_lite"):
        remedy = "Run `pip install milvus-lite`, or use a server."  # on Windows it does not come
        raise GalleryError(PREFIX + uri, "needs Milvus Lite", remedy)
    for library in ("pymilvus", "milvus_lite"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # what it says is raised, too
    client = None
    try:
        token = os.environ.get("MILVUS_TOKEN", "")
        client = MilvusClient(str(file or uri), token=token, timeout=10)
        yield client
    except MilvusException as error:
        if client is None and file:
            remedy = "End the program that has it open, if one has (in Jupyter: the kernel); else "
            remedy += "it is no Milvus file: choose another."
            raise GalleryError(PREFIX + uri, "cannot be opened", remedy) from error
        remedy = "Check that the server runs and the address is right."
        raise GalleryError(PREFIX + uri, f"failed ({error.message})", remedy) from error
    finally:
        if client:
            client.close()
