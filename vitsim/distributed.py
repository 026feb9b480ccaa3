"""The long part of making a gallery on many processes or machines, by Ray Data.

It hands batches of paths to workers; when one dies, another takes its batch. Nothing is reported to
anyone, no dashboard is opened, and without an address all of it listens on this machine only.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from . import VitsimError, indexing, store
from .encoder import Encoder
from .indexing import Recipe
from .known import Known, Rows
from .labels import Label, folder_name

BLOCK = 16  # photos that a worker embeds at once
# Ray's own waits are short for a machine that is busy, or that reads all of it for the first time.
PATIENCE = {
    "RAY_agent_register_timeout_ms": "120000",
    "RAY_raylet_start_wait_time_s": "120",
    "RAY_gcs_server_port_wait_time_s": "120",
}


def embed_photos(
    paths: list[Path],
    root: Path,
    encoder: Encoder,
    recipe: Recipe,
    known: Known,
    label: Label = folder_name,
    progress: bool = False,
    address: str | None = None,
) -> tuple[pd.DataFrame, Rows, list[str]]:
    """As `indexing.embed_photos`, on the Ray cluster at `address`, or on one of this machine.

    Every GPU, or every core where there is none, is a worker and loads the encoder once. The
    machines of a cluster need vitsim, the model, this folder and the photos at the same paths.
    Raises `VitsimError` where Ray is missing, cannot be reached, or loses a photo.
    """
    rows, skipped = [], []
    todo = root, recipe, str(encoder.model.dtype)[6:], known.notes(), label, Path.cwd()
    with _cluster(address) as ray, tqdm(None, "indexing", len(paths), disable=not progress) as bar:
        for answer in _answers(ray, paths, todo):
            bar.update()
            row = json.loads(answer["row"])
            (skipped if isinstance(row, str) else rows).append(row)
            if isinstance(row, list) and row[1] not in known:
                known.add(row[1], answer["vector"], row[4])
            known.save_at_times()
    if len(rows) + len(skipped) != len(paths):
        raise VitsimError("Ray", "lost or doubled a photo", "Run the same command again.")
    photos = store.table(rows)
    return photos, Rows(known, photos["sha256"], recipe.dim), skipped


def _answers(ray, paths: list[Path], todo: tuple) -> Iterator[dict]:
    """A row of the table or a reason to skip, as JSON, and a vector for each photo, in order."""
    gpus, cores = (int(ray.cluster_resources().get(kind, 0)) for kind in ("GPU", "CPU"))
    items = [{"path": os.fsencode(path)} for path in paths]  # a file name need not be text
    photos = ray.data.from_items(items, override_num_blocks=min(4096, -(-len(items) // BLOCK)))
    how = {"compute": ray.data.ActorPoolStrategy(size=gpus or cores), "num_gpus": min(1, gpus)}
    how |= {"batch_size": BLOCK, "fn_constructor_args": todo}
    return iter(photos.map_batches(_Worker, **how).iter_rows())


class _Worker:
    def __init__(self, root: Path, recipe: Recipe, dtype: str, notes: dict, label: Label, cwd):
        os.chdir(cwd)  # paths may be relative
        self.root, self.recipe, self.label = root, recipe, label
        self.encoder = Encoder.load(recipe.model, dtype=dtype)
        mine = Recipe.of(self.encoder, recipe.pooling, recipe.fit, recipe.background)
        if replace(mine, model=recipe.model) != recipe:
            remedy = "Give every machine the same weights."
            raise VitsimError(recipe.model, "is another model for a worker", remedy)
        nothing = np.zeros(recipe.dim, np.float32)  # in place of a vector that is known already
        self.known = Known((digest, nothing, note) for digest, note in notes.items())

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, object]:
        paths = [Path(os.fsdecode(path)) for path in batch["path"]]
        photos, vectors, skipped = indexing.embed_photos(
            paths, self.root, self.encoder, self.recipe, self.known.over(), label=self.label
        )
        rows = [json.dumps(row) for row in photos.to_numpy().tolist() + skipped]
        return {"row": rows, "vector": np.pad(vectors, ((0, len(skipped)), (0, 0)))}


@contextmanager
def _cluster(address: str | None) -> Iterator:
    """Ray, connected; a connection that was there already stays."""
    if address and address != "auto" and ":" not in address:  # Ray itself would look for it, long
        remedy = "Give HOST:PORT, ray://HOST:PORT, or auto for the one of this machine."
        raise VitsimError(address, "is not the address of a Ray cluster", remedy)
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
    for wait, most in PATIENCE.items():
        os.environ.setdefault(wait, most)
    if address is None:  # Ray's name for "on the loopback only"; it reads this when imported
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    try:
        if ":" in (address or ""):  # Ray itself would try for minutes
            socket.create_connection(address.split("/")[-1].rsplit(":", 1), 5).close()
        import ray.data
    except (OSError, ImportError) as error:
        remedy = store.SCALE if isinstance(error, ImportError) else "See `ray status`."
        raise VitsimError(address or "Ray", f"cannot be reached ({error})", remedy) from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars, context.execution_options.preserve_order = False, True
    stays = ray.is_initialized()
    how = {"log_to_driver": False, "logging_level": logging.ERROR, "ignore_reinit_error": True}
    how |= {"address": address} if address else {"address": "local", "include_dashboard": False}
    try:
        for wrong in [()] if address else [Exception, Exception, ()]:  # a busy machine is slow
            with suppress(wrong):
                ray.init(**how)
                break
        yield ray
    except (ray.exceptions.RayError, OSError, RuntimeError, ValueError) as error:
        reason = f"failed ({(str(error).strip() or repr(error)).splitlines()[-1]})"
        raise VitsimError(address or "Ray", reason, "Run the same command again.") from error
    finally:
        if not stays:
            ray.shutdown()
