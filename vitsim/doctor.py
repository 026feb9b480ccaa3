"""What vitsim finds on this machine, and what to do next."""

import os
import platform
import shutil
from pathlib import Path

from . import __version__, background, hub, models
from .files import cache_folder, data_folder, installed

LIBRARIES = ("torch", "transformers", "rembg", "faiss-cpu", "pillow")
LITTLE_DISK = 2e9  # bytes; a model of the hub takes up to 350 MB, its download as much again


def examine() -> tuple[list[str], list[str]]:
    """(what was found, what there is to do): lines of text. No model is loaded.

    The hub is asked for a sign of life, unless `HF_HUB_OFFLINE` is set.
    """
    found = [f"vitsim {__version__}, Python {platform.python_version()}, {platform.platform()}"]
    todo: list[str] = []

    def tell(what: str, text: object) -> None:
        found.append(f"{what:<15} {text}")

    for name in LIBRARIES:
        tell(name, installed(name) or "missing")
        if not installed(name):
            what = '"rembg[cpu]"' if name == "rembg" else name
            todo.append(f"{name} is missing: pip install {what}")
    try:
        from .encoder import best_device

        tell("device", best_device())
    except (ImportError, OSError) as error:
        tell("device", f"unknown ({error})")
    default = models.default_model()
    whether = {True: "here", False: "not on this machine"}
    for name in dict.fromkeys([models.DEFAULT, default, *models.REVISIONS, *_downloaded()]):
        here = models.is_here(name)
        what = "model in use" if name == default else "model"
        tell(what, f"{name}: {whether[here]}")
        if not here and name == models.DEFAULT:
            todo.append(f"the shipped model {name} is missing: install vitsim again")
        elif not here and (os.path.isdir(name) or name.startswith(("/", ".", "~")) or "\\" in name):
            todo.append(f"VITSIM_MODEL is {name}, which holds no model: correct or unset it")
        elif not here and name == default:
            todo.append(f"VITSIM_MODEL is {name}: with a network, run `vitsim download {name}`")
    for name in background.MODELS:
        tell("background", f"{name}: {whether[background.is_here(name)]}")
    if not background.is_here("cutout"):
        todo.append("the shipped background remover cutout is missing: install vitsim again")
    tell("data", data_folder())
    for what, variable, folder in (
        ("cache", "VITSIM_CACHE", cache_folder()),
        ("hub models", "HF_HOME", _hub_cache()),
        ("rembg models", "U2NET_HOME", background.home()),
    ):
        there = next(place for place in (folder, *folder.parents) if os.path.exists(place))
        free = shutil.disk_usage(there).free
        closed = not (there.is_dir() and os.access(there, os.W_OK))
        tell(what, f"{folder}, {free / 1e9:.0f} GB free{', read-only' * closed}")
        if free < LITTLE_DISK:
            todo.append(f"less than 2 GB is free in {folder}: make room, or set {variable}")
        if closed and what == "cache":  # models may lie on a stick that only can be read
            todo.append(f"{folder} cannot be written: set {variable} to a folder of your own")
    reachable = hub.hub_reachable()
    tell("hub", "reachable" if reachable else "not reachable; what is here works without it")
    return found, todo


def _hub_cache() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _downloaded() -> list[str]:
    """The ids of hub models that are here, in whatever revision was the newest."""
    folders = sorted(_hub_cache().glob("models--*"))
    names = [folder.name.removeprefix("models--").replace("--", "/") for folder in folders]
    return [name for name in names if models.is_here(name)]
