"""The models that vitsim knows by name, and how they come here: from the wheel, a folder or a hub.

Weights are read from safetensors only, hub models at a pinned revision, and a checkpoint that
would leave part of the network random is refused.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from . import hub
from .files import data_folder, sha256
from .hub import ModelError

if TYPE_CHECKING:
    from transformers import BaseImageProcessor, PreTrainedModel

# In Jupyter without ipywidgets tqdm draws its bars as text, and warns before the first.
warnings.filterwarnings("ignore", message="IProgress not found")

DEFAULT = "tiny"
# Commits of the hub. Another hub id may be used too: the head of "main" on the day it is fetched.
REVISIONS = {
    "google/vit-base-patch16-224": "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3",
    "facebook/dinov2-small": "ed25f3a31f01632728cabb09d1542f84ab7b0056",
}
REMEDY = "Give a whole ViT, DeiT or DINOv2 checkpoint, such as google/vit-base-patch16-224."
FILES = ("config.json", "preprocessor_config.json", "model.safetensors")


def shipped(name: str) -> Path:
    """The folder of a shipped model, whether or not it is there."""
    return data_folder() / "models" / name


def default_model() -> str:
    """The encoder to use when none is named: `VITSIM_MODEL`, or `tiny`."""
    return os.path.expanduser(os.environ.get("VITSIM_MODEL") or DEFAULT)


def fetch(name: str) -> tuple[Path, str]:
    """Make sure the encoder `name` is on this machine: (its folder, its exact revision).

    `name` is `tiny`, a folder in hub format, or a hub id, which is downloaded with a progress bar
    unless it is here already; a download that was cut goes on where it stopped. The revision is
    the hub's commit, or for a folder the first 12 digits of the SHA-256 of its weights.
    Raises: `ModelError`, also for weights that were damaged on the way or since.
    """
    folder = shipped(name) if name == DEFAULT else Path(name)
    if name == DEFAULT or folder.is_dir():
        for file in FILES:
            if not (folder / file).is_file():
                remedy = f"Give a folder in hub format: {', '.join(FILES)}."
                remedy = "Install vitsim again." if name == DEFAULT else remedy
                raise ModelError(name, f"the folder {folder} holds no {file}", remedy)
        return folder, sha256(folder / FILES[-1])[:12]
    revision = REVISIONS.get(name, "main")
    for file in FILES:
        path = hub.fetch(name, file, revision)
        revision = path.parent.name  # the cache keeps a folder a commit
    return path.parent, revision


def load(name: str) -> tuple[PreTrainedModel, BaseImageProcessor, str]:
    """The model in float32, its image processor (PIL backend), and its exact revision.

    Raises: `ModelError`, also for a checkpoint that does not fill every weight.
    """
    folder, revision = fetch(name)
    import torch
    from transformers import AutoImageProcessor, AutoModel
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # its load report is read below, not by the user
    logging.disable_progress_bar()
    try:
        processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
        model, report = AutoModel.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are in the report, and refused below
        )
    except Exception as error:
        raise ModelError(name, f"cannot be loaded ({hub.first_line(error)})", REMEDY) from error
    finally:
        logging.set_verbosity(verbosity)
        if bars:  # those of huggingface_hub as well, which a later download needs
            logging.enable_progress_bar()
    # The pooler is not trained in these checkpoints, and vitsim never uses it.
    missing = [key for key in report["missing_keys"] if not key.startswith("pooler.")]
    lacking = sorted(missing) + sorted(str(key) for key in report["mismatched_keys"])
    if lacking:
        reason = f"{len(lacking)} weights are missing or of another shape, {lacking[0]} among them"
        raise ModelError(name, f"{reason}; it would answer at random", REMEDY)
    has_cls = any(key.endswith("cls_token") for key in model.state_dict())
    # A masked autoencoder looks at a quarter of the patches, drawn anew each time.
    if not has_cls or hasattr(model.config, "mask_ratio"):
        kind = model.config.model_type
        raise ModelError(name, f"{kind} is not a Vision Transformer with a CLS token", REMEDY)
    return model, processor, revision


def is_here(name: str) -> bool:
    """Whether the encoder `name` can be loaded without a network."""
    folder = shipped(name) if name == DEFAULT else Path(name)
    if name == DEFAULT or folder.is_dir():
        return all((folder / file).is_file() for file in FILES)
    revision = REVISIONS.get(name, "main")
    return all(hub.cached(name, file, revision) for file in FILES)
