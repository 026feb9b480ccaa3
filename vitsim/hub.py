"""Files of a hub, in the cache that huggingface_hub keeps: found there, or brought and checked."""

from __future__ import annotations

import os
from pathlib import Path

from . import VitsimError
from .files import sha256


class ModelError(VitsimError):
    """A model that cannot be loaded. The message names the model, the reason and the way out."""


def cached(name: str, file: str, revision: str) -> Path | None:
    """Where `file` of the model `name` lies on this machine; no network is asked."""
    from huggingface_hub import errors, try_to_load_from_cache

    try:
        found = try_to_load_from_cache(name, file, revision=revision)
    except errors.HFValidationError:  # not the id of a model; a download says so
        return None
    return Path(found) if isinstance(found, str) else None


def fetch(name: str, file: str, revision: str) -> Path:
    """Where `file` lies after it was downloaded with a progress bar, unless it is here already.

    A download that was cut goes on where it stopped. Raises `ModelError`, also for weights that
    were damaged on their way, or on the disk since.
    """
    path = cached(name, file, revision)
    if path:
        _refuse_damaged(name, file, path, digest=path.resolve().name)
        return path
    try:
        return _download(name, file, revision)
    except ModelError:
        raise
    except Exception as error:  # a connection can break in many ways
        raise ModelError(name, *_explain(error, name, file, revision)) from error


def _download(name: str, file: str, revision: str) -> Path:
    """Bring a file into the cache of huggingface_hub, which itself starts a cut one from zero."""
    from filelock import FileLock
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import FileMetadataError
    from huggingface_hub.file_download import http_get, repo_folder_name
    from huggingface_hub.utils import build_hf_headers

    found = get_hf_file_metadata(hf_hub_url(name, file, revision=revision))
    if not (found.etag and found.commit_hash):
        raise FileMetadataError("the answer is not a hub's; does this network ask for a login?")
    of_hub = found.location.startswith(f"{constants.ENDPOINT}/")  # no other host gets the token
    folder = repo_folder_name(repo_id=name, repo_type="model")
    blob = Path(constants.HF_HUB_CACHE, folder, "blobs", found.etag)
    part = blob.with_name(f"{found.etag}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{part}.lock"):
        if not blob.exists():
            cut = part.exists() and part.stat().st_size < (found.size or 0)
            with open(part, "ab" if cut else "wb") as rest:
                http_get(
                    found.location,
                    rest,
                    resume_size=rest.tell(),
                    headers=build_hf_headers() if of_hub else {},
                    expected_size=found.size,
                    displayed_filename=file,
                )
            _refuse_damaged(name, file, part, digest=found.etag)
            os.replace(part, blob)
    return Path(hf_hub_download(name, file, revision=revision))


def _refuse_damaged(name: str, file: str, path: Path, digest: str) -> None:
    """The hub names a file by its digest, and so does the cache: compare.

    Weights by their SHA-256; small files, as git does, by the SHA-1 of their length and content.
    """
    from huggingface_hub.utils.sha import git_hash

    if len(digest) == 40:
        damaged = git_hash(path.read_bytes()) != digest
    else:
        damaged = len(digest) == 64 and sha256(path) != digest
    if damaged:
        path.resolve().unlink()
        reason = f"{file} was damaged on its way or on this disk, and is now deleted"
        raise ModelError(name, reason, f"Run `vitsim download {name}` (again).")


def _explain(error: Exception, name: str, file: str, revision: str) -> tuple[str, str]:
    """(reason, remedy), from the special to the general: some errors are subclasses of others."""
    from huggingface_hub import errors

    log_in = "for a private model run `hf auth login`"
    if isinstance(error, errors.HFValidationError):
        example = "`tiny`, a folder, or an id such as google/vit-base-patch16-224"
        return "is neither a folder nor the id of a hub model", f"Give {example}."
    if isinstance(error, errors.GatedRepoError):
        return "its owners give access on request only", f"Ask on its page; {log_in}."
    if isinstance(error, errors.RevisionNotFoundError):
        return f"the hub has no revision {revision} of it", "Give a model that is still there."
    if isinstance(error, errors.RemoteEntryNotFoundError):
        remedy = (
            "Give a ViT, DeiT or DINOv2 model with safetensors weights; pickles are not loaded."
        )
        return f"the hub has no {file} of it", remedy
    if isinstance(error, errors.RepositoryNotFoundError):
        return "the hub does not know it, or it is private", f"Check the spelling; {log_in}."
    if isinstance(error, errors.HfHubHTTPError) and error.response.status_code in (401, 403):
        return f"the hub refuses ({first_line(error)})", "Run `hf auth login` or `hf auth logout`."
    if isinstance(error, OSError) and error.errno:
        reason = f"the model cache cannot be written ({error})"
        return reason, "Make room there, or set HF_HOME to a folder of yours."
    return (
        f"{file} is not on this machine and did not arrive ({first_line(error)})",
        f"With a network, run `vitsim download {name}` (it goes on where it stopped). Without one, "
        "use the shipped model: `--model tiny`, or unset VITSIM_MODEL.",
    )


def first_line(error: Exception) -> str:
    """What it says, without the rest that many libraries append."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__).rstrip(".")


def hub_reachable() -> bool:
    """Whether the hub answers at all, within three seconds."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=3)
    except Exception:  # of whichever HTTP library this huggingface_hub has; each names its own
        return False
    return True
