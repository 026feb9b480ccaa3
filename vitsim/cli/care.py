"""`vitsim audit`, `vitsim download` and `vitsim doctor`: what goes before a search."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .. import VitsimError
from ..texts import count, plain
from ._app import app, path_argument


@app.command()
def audit(folder: path_argument("A folder of photos.", "FOLDER")) -> None:
    """Tell what is wrong with the photos below FOLDER, before it bites.

    Exit code 1 if anything is.
    """
    from ..images import SUFFIXES, find_photos
    from ..images import audit as look_at

    photos = len(find_photos(folder))
    if not photos:
        from .. import store

        if store.is_gallery(folder):
            raise VitsimError(folder, "is a gallery", "Give the folder that it was made from.")
        remedy = f"Give a folder with photos ({', '.join(sorted(SUFFIXES))})."
        raise VitsimError(folder, "holds no photo", remedy)
    findings = look_at(folder, progress=sys.stderr.isatty())
    for finding in findings:
        print(f"{finding.kind:<10}  {plain(finding.text)}")
    print(f"{count(photos, 'photo')} looked at, {count(len(findings), 'finding')}")
    if findings:
        raise typer.Exit(1)


@app.command()
def download(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME",
            help="Hub ids such as google/vit-base-patch16-224, background removers such as u2net.",
        ),
    ],
) -> None:
    """Bring models to this machine, for a room without a network."""
    from .. import background, models

    for name in names:
        if name in background.MODELS:
            print(f"{name}: {background.fetch(name)}")
        else:
            folder, revision = models.fetch(name)
            print(f"{name}: {folder} (revision {revision[:12]})")


@app.command()
def doctor() -> None:
    """Tell what vitsim finds on this machine, and what to do next.

    Exit code 1 if there is something to do.
    """
    from ..doctor import examine

    found, todo = examine()
    print("\n".join(found) + "\n")
    print("\n".join(f"to do: {line}" for line in todo) or "All is well: vitsim match PHOTO")
    if todo:
        raise typer.Exit(1)
