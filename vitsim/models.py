"""The models that vitsim knows by name, and how they come here: from the wheel, a folder or a hub.

Weights are read from safetensors only, hub models at a pinned revision, and a checkpoint that
would leave part of the network random is refused.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from . import VitsimError
from .files import data_folder, sha256

if TYPE_CHECKING:
    from transformers import BaseImageProcessor, PreTrainedModel

DEFAULT = "tiny"
# Commits of the hub. Another hub id may be used too; it is then taken at the head of "main".
REVISIONS = {
    "google/vit-base-patch16-224": "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3",
    "facebook/dinov2-small": "ed25f3a31f01632728cabb09d1542f84ab7b0056",
}
FILES = ("config.json", "preprocessor_config.json", "model.safetensors")
OFFLINE_WAY_OUT = (
    f"With a network, run `vitsim download NAME` once; without one, use the shipped model: "
    f"`--model {DEFAULT}`, or unset VITSIM_MODEL."
)


class ModelError(VitsimError):
    """A model that cannot be loaded. The message names the model, the reason and the way out."""


def shipped(name: str) -> Path:
    """The folder of a shipped model, whether or not it is there."""
    return data_folder() / "models" / name


def default_model() -> str:
    """The encoder to use when none is named: `VITSIM_MODEL`, or `tiny`."""
    return os.environ.get("VITSIM_MODEL") or DEFAULT


def fetch(name: str) -> tuple[Path, str]:
    """Make sure the encoder `name` is on this machine: (its folder, its exact revision).

    `name` is `tiny`, a folder in hub format, or a hub id, which is downloaded with a progress bar
    unless it is here already; a download that was cut goes on where it stopped. The revision is
    the hub's commit, or for a folder the first 12 digits of the SHA-256 of its weights.
    Raises: `ModelError`.
    """
    folder = shipped(name) if name == DEFAULT else Path(name)
    if folder.is_dir():
        for file in FILES:
            if not (folder / file).is_file():
                remedy = f"Give a folder in hub format: {', '.join(FILES)}."
                raise ModelError(name, f"the folder {folder} holds no {file}", remedy)
        return folder, sha256(folder / FILES[-1])[:12]
    paths = [_fetch_file(name, file, REVISIONS.get(name, "main")) for file in FILES]
    return paths[0].parent, paths[0].parent.name  # the cache keeps a folder a commit


def _fetch_file(name: str, file: str, revision: str) -> Path:
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    try:
        here = isinstance(try_to_load_from_cache(name, file, revision=revision), str)
        path = Path(hf_hub_download(name, file, revision=revision))
    except Exception as error:  # a connection can break in many ways
        raise ModelError(name, *_explain(error, name, file, revision)) from error
    if not here:
        _check_download(name, path)
    return path


def _explain(error: Exception, name: str, file: str, revision: str) -> tuple[str, str]:
    """(reason, remedy), from the special to the general: some errors are subclasses of others."""
    from huggingface_hub import errors

    log_in = "for a private model run `hf auth login`"
    if isinstance(error, errors.HFValidationError):
        example = f"`{DEFAULT}`, a folder, or an id such as google/vit-base-patch16-224"
        return "is neither a folder nor the id of a hub model", f"Give {example}."
    if isinstance(error, errors.GatedRepoError):
        return "its owners give access on request only", f"Ask on its page; {log_in}."
    if isinstance(error, errors.RevisionNotFoundError):
        return f"the hub has no revision {revision} of it", "Give a model that is still there."
    if isinstance(error, errors.LocalEntryNotFoundError):
        reason = f"{file} is not on this machine, and the hub cannot be reached"
        return reason, OFFLINE_WAY_OUT.replace("NAME", name)
    if isinstance(error, errors.EntryNotFoundError):
        return f"it has no {file}", "Give a model with safetensors weights; pickles are not loaded."
    if isinstance(error, errors.RepositoryNotFoundError):
        return "the hub does not know it, or it is private", f"Check the spelling; {log_in}."
    if isinstance(error, PermissionError):
        return f"the model cache cannot be written ({error})", "Set HF_HOME to a folder of yours."
    again = "Run the same command again: it goes on where it stopped. "
    return f"{file} did not arrive ({_first_line(error)})", again + OFFLINE_WAY_OUT.replace(
        "NAME", name
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _check_download(name: str, path: Path) -> None:
    """The cache names a large file by its SHA-256, as the hub gave it: compare."""
    blob = path.resolve()
    if len(blob.name) == 64 and sha256(blob) != blob.name:
        blob.unlink()
        path.unlink(missing_ok=True)
        remedy = f"Run `vitsim download {name}` again."
        raise ModelError(name, f"{path.name} arrived damaged and was deleted", remedy)


def load(name: str) -> tuple[PreTrainedModel, BaseImageProcessor, str]:
    """The model in float32, its image processor (PIL backend), and its exact revision.

    Raises: `ModelError`, also for a checkpoint that does not fill every weight.
    """
    folder, revision = fetch(name)
    from transformers import AutoImageProcessor, AutoModel
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # its load report is read below, not by the user
    logging.disable_progress_bar()
    try:
        import torch

        processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
        model, report = AutoModel.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, output_loading_info=True
        )
    except Exception as error:
        reason = f"{folder} cannot be loaded ({_first_line(error)})"
        remedy = "If it was downloaded, delete that folder and download it again."
        raise ModelError(name, reason, remedy) from error
    finally:
        logging.set_verbosity(verbosity)
    # The pooler is not trained in these checkpoints, and vitsim never uses it.
    missing = [key for key in report["missing_keys"] if not key.startswith("pooler.")]
    if missing or report["mismatched_keys"]:
        lacking = sorted(missing) or sorted(str(key) for key in report["mismatched_keys"])
        reason = f"{len(lacking)} weights are missing or of another shape, {lacking[0]} among them"
        remedy = "It would answer at random: give a complete ViT, DeiT or DINOv2 checkpoint."
        raise ModelError(name, reason, remedy)
    if not hasattr(model.config, "patch_size"):
        reason = f"{model.config.model_type} is not a Vision Transformer"
        raise ModelError(name, reason, "Give a ViT, DeiT or DINOv2 checkpoint.")
    return model, processor, revision


def is_here(name: str) -> bool:
    """Whether the encoder `name` can be loaded without a network."""
    folder = shipped(name) if name == DEFAULT else Path(name)
    if folder.is_dir():
        return all((folder / file).is_file() for file in FILES)
    from huggingface_hub import try_to_load_from_cache

    revision = REVISIONS.get(name, "main")
    return all(
        isinstance(try_to_load_from_cache(name, file, revision=revision), str) for file in FILES
    )


def hub_reachable(seconds: float = 3) -> bool:
    """Whether the hub answers at all, within `seconds`."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=seconds)
    except Exception:
        return False
    return True
