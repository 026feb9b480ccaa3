"""Run all never stops, whichever model is chosen: the lessons with a full-size ViT-B/16.

Its weights are random, and it comes from a hub on this machine. To keep the test short the
pets of the test split look like those of the dev split, and a picture that one lesson has embedded
is not embedded again for the next.
"""

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from build_notebooks import ROOT, lessons
from nbclient import NotebookClient

from vitsim import datasets

LESSONS = lessons(ROOT / "notebooks")
LESSONS.sort(key=lambda one: one.source.stem[:2] != "06")  # the longest first: none waits for it
PREAMBLE = """
import hashlib, os
from pathlib import Path
import numpy as np, torch
from vitsim import datasets
from vitsim.encoder import Encoder
from vitsim.files import atomic
from vitsim.images import open_photo

torch.set_num_threads(1)
datasets.data_folder = lambda: Path(os.environ["LENT_DATA"])
embed, memory = Encoder.embed, Path(os.environ["EMBEDDED"])
def embed_once(self, photos, pooling="cls", how="letterbox", batch_size=16, progress=False):
    photos = [open_photo(photo) for photo in photos]
    made = f"{self.revision} {pooling} {how}"
    paths = [memory / (hashlib.sha256(f"{made} {photo.size}".encode() + photo.tobytes())
             .hexdigest() + ".npy") for photo in photos]
    for start in range(0, len(photos), batch_size):  # another lesson may have made the next
        new = [i for i in range(start, len(photos))[:batch_size] if not paths[i].exists()]
        for i, vector in zip(new, embed(self, [photos[i] for i in new], pooling, how)):
            with atomic(paths[i]) as temporary:
                np.save(temporary, vector)
    return np.array([np.load(path) for path in paths], np.float32).reshape(-1, self.dim)

Encoder.embed = embed_once
"""


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("lessons_cache")


@pytest.fixture(scope="session")
def embedded(tmp_path_factory) -> Path:
    """What lessons have embedded; with xdist, those of the other workers too."""
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "embedded"


@pytest.fixture(scope="session")
def lent_data(tmp_path_factory) -> Path:
    """A copy of `data/` in which the test pets lend their names to photos of dev pets."""
    folder = tmp_path_factory.mktemp("lessons_data") / "data"
    shutil.copytree(ROOT / "data", folder)
    pets = datasets.pets()
    names = {split: sorted(set(pets["pet"][pets["split"] == split])) for split in ("dev", "test")}
    for pet, other in zip(names["test"], 2 * names["dev"], strict=False):
        for path in (folder / "pets").glob(f"*/{pet}/*"):
            shutil.copyfile(str(path).replace(pet, other), path)
    return folder


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda one: one.source.stem)
def test_run_all_never_stops_with_a_full_size_model(
    lesson, hub, vit_base, shared_cache, embedded, lent_data, tmp_path, monkeypatch
):
    monkeypatch.setenv("VITSIM_CACHE", str(shared_cache))
    monkeypatch.setenv("HF_HOME", str(shared_cache / "hf"))
    monkeypatch.setenv("VITSIM_MODEL", vit_base)
    for wait in ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"):  # a busy machine is slow
        monkeypatch.setenv(wait, "120")
    monkeypatch.setenv("LENT_DATA", str(lent_data))
    monkeypatch.setenv("EMBEDDED", str(embedded))
    notebook = lesson.assemble("en")
    notebook.cells.insert(0, nbformat.v4.new_code_cell(PREAMBLE))
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=900, resources=where).execute()
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    assert not [one for one in outputs if one.output_type == "error"]
    said = "".join(one.get("text", "") for one in outputs)
    solutions = sum("solution" in cell.metadata.get("tags", []) for cell in notebook.cells)
    assert said.count("✓ Right.") >= solutions >= 3
