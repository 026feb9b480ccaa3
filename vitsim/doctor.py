"""What vitsim finds on this machine, and what to do next."""

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version

from . import __version__, hub, models
from .files import cache_folder, data_folder

LIBRARIES = ("torch", "transformers", "rembg", "faiss-cpu", "pillow")
LITTLE_DISK = 2e9  # bytes; a model of the hub takes up to 350 MB, its download as much again


def examine() -> tuple[list[str], list[str]]:
    """(what was found, what there is to do): lines of text. Nothing is loaded but torch."""
    found = [f"vitsim {__version__}, Python {platform.python_version()}, {platform.platform()}"]
    todo: list[str] = []

    def tell(what: str, text: object) -> None:
        found.append(f"{what:<15} {text}")

    for name in LIBRARIES:
        try:
            tell(name, version(name))
        except PackageNotFoundError:
            tell(name, "missing")
            what = '"rembg[cpu]"' if name == "rembg" else name
            todo.append(f"{name} is missing: pip install {what}")
    try:
        from .encoder import best_device

        tell("device", best_device())
    except (ImportError, OSError) as error:
        tell("device", f"unknown ({error})")
    default = models.default_model()
    for name in dict.fromkeys([models.DEFAULT, default, *models.REVISIONS]):
        here = models.is_here(name)
        what = "model in use" if name == default else "model"
        tell(what, f"{name}: {'here' if here else 'not on this machine'}")
        if not here and name == models.DEFAULT:
            todo.append(f"the shipped model {name} is missing: install vitsim again")
        elif not here and (os.path.isdir(name) or name.startswith(("/", ".", "~")) or "\\" in name):
            todo.append(f"VITSIM_MODEL is {name}, which holds no model: correct or unset it")
        elif not here and name == default:
            todo.append(f"VITSIM_MODEL is {name}: with a network, run `vitsim download {name}`")
    cutout = (models.shipped("cutout") / "cutout.onnx").is_file()
    tell("background", f"cutout: {'here' if cutout else 'not on this machine'}")
    if not cutout:
        todo.append("the shipped background remover cutout is missing: install vitsim again")
    tell("data", data_folder())
    tell("cache", cache_folder())
    places = (cache_folder(), *cache_folder().parents)
    there = next(folder for folder in places if os.path.exists(folder))
    free = shutil.disk_usage(there).free
    tell("free disk", f"{free / 1e9:.0f} GB")
    if free < LITTLE_DISK:
        todo.append("less than 2 GB of disk is free: make room, or set VITSIM_CACHE and HF_HOME")
    if not os.access(there, os.W_OK):
        todo.append("the cache cannot be written: set VITSIM_CACHE to a folder of your own")
    reachable = hub.hub_reachable()
    tell("hub", "reachable" if reachable else "not reachable; what is here works without it")
    return found, todo
