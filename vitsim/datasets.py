"""The shipped Toy Pets as tables of photos, and what is known of each."""

from importlib.resources import files
from pathlib import Path

import pandas as pd

from . import VitsimError
from .files import data_folder

TOY_PETS = "toy-pets"
SHIPPED_GALLERY = "toy-pets.gallery"  # the gallery photos, indexed with `tiny`
SAMPLES = {  # photographs that scikit-image carries; skimage.data would look for a network
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "motorcycle_left": "motorcycle_left.png",
    "motorcycle_right": "motorcycle_right.png",
}


def pets(role: str | None = None, split: str | None = None) -> pd.DataFrame:
    """Toy Pets: a row a photo, with the columns that `data/pets/README.md` explains.

    `photo`, `mask` and `parts` are absolute paths. `role` keeps `gallery`, `query` or `stranger`
    photos only; `split` keeps the pets of `dev` (to choose a threshold) or `test` (to judge).
    Raises `ValueError` for another role or split, `VitsimError` when the pets are not there.
    """
    folder = data_folder() / "pets"
    table = folder / "photos.csv"
    if not table.is_file():
        raise VitsimError(table, "is missing", "Install vitsim again, or run `make pets`.")
    photos = pd.read_csv(table, keep_default_na=False)
    for column in ("photo", "mask", "parts"):
        photos[column] = [str(folder / path) for path in photos[column]]
    for column, wanted in (("role", role), ("split", split)):
        if wanted is not None:
            if wanted not in set(photos[column]):
                known = ", ".join(sorted(set(photos[column])))
                raise ValueError(f"{column}={wanted!r}: expected one of {known}")
            photos = photos[photos[column] == wanted]
    return photos.reset_index(drop=True)


def sample(name: str) -> Path:
    """The path of a real photograph that comes with scikit-image; `SAMPLES` lists the names.

    Raises `ValueError` for another name, `VitsimError` when scikit-image is not installed.
    """
    if name not in SAMPLES:
        raise ValueError(f"name={name!r}: expected one of {', '.join(SAMPLES)}")
    try:
        return Path(str(files("skimage") / "data" / SAMPLES[name]))
    except ModuleNotFoundError as error:
        remedy = "Run `pip install scikit-image`."
        raise VitsimError(name, "comes with scikit-image, which is missing", remedy) from error
