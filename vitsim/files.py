"""Where vitsim keeps things on disk, and how it writes them: whole or not at all."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from uuid import uuid4

import platformdirs


def data_folder() -> Path:
    """The shipped data: `vitsim/data` in an installed wheel, `data` in a checkout."""
    inside = Path(__file__).parent / "data"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "data"


def cache_folder() -> Path:
    """What can be made again: `VITSIM_CACHE`, or the system's cache folder for users."""
    place = os.environ.get("VITSIM_CACHE") or platformdirs.user_cache_dir("vitsim")
    return Path(os.path.expanduser(place))


def sha256(path: str | os.PathLike) -> str:
    """The file's SHA-256 in hexadecimal (64 characters)."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def installed(library: str) -> str | None:
    """Its version, if it is installed."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; put it in place only if the block succeeds.

    A reader sees the old file or the new one, never half of one, also after a power cut.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
