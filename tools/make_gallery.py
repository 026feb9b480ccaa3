"""Make data/toy-pets.gallery, the shipped gallery that `vitsim match PHOTO` searches by default.

    python tools/make_gallery.py        after a change of Toy Pets or `tiny`: half a minute

It is what `vitsim index` would make of the gallery photos, but knows no folder of this machine.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from vitsim import datasets, store
from vitsim.encoder import Encoder
from vitsim.files import data_folder
from vitsim.gallery import Gallery

ROOT = "../pets/photos"  # the photos, as seen from the gallery


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    out = data_folder() / datasets.SHIPPED_GALLERY
    paths = [Path(photo) for photo in datasets.pets(role="gallery")["photo"]]
    made = Gallery.build(data_folder() / "pets" / "photos", Encoder.load("tiny"), paths=paths,
                         progress=True)  # fmt: skip
    with store.only_writer(out):
        manifest = {"recipe": asdict(made.recipe), "roots": [ROOT], "skipped": made.skipped}
        store.write(out, manifest, made.photos, made.vectors)
    (out / store.LOCK).unlink()
    print(f"{out.name}: {len(made)} photos of {made.photos['label'].nunique()} pets")


if __name__ == "__main__":
    main()
