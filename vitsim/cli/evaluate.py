"""`vitsim evaluate`: how well a model finds the photos of one's own."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import VitsimError
from ..texts import count, plain, tell
from ._app import (
    BackgroundIfAny,
    FitIfAny,
    ModelIfAny,
    PoolingIfAny,
    app,
    at_home,
    filled,
    save_figure,
)
from .find import open_gallery

if TYPE_CHECKING:
    from ..evaluation import Interval
    from ..gallery import Gallery
    from ..judge import Report


@app.command()
def evaluate(
    folder: Annotated[
        str,
        typer.Argument(
            help="Photos in a folder for each animal or class; or a gallery.",
            callback=filled,
            metavar="FOLDER",
        ),
    ],
    model: ModelIfAny = None,
    background: BackgroundIfAny = None,
    fit: FitIfAny = None,
    pooling: PoolingIfAny = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Save the figures in this folder.", callback=at_home),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how well a model finds the photos below FOLDER by each other.

    The folder that a photo lies in says what it shows: an animal, or a class. Each photo
    that is not alone in its folder is asked for among all the others: two folders of two photos
    at least, 7,000 photos at most. Exact copies are left out, and photos in no folder or in two.

    \b
    recall@1  share of photos whose best match shows the same animal or class
    recall@5  ... or one of the best five
    mAP       mean average precision: 1 if all photos of the same come first
    EER       equal error rate: as large a share of the pairs of one animal falls
              below a threshold as of the pairs of two reaches it; 0 is perfect,
              0.5 is chance
    d'        how far pairs of one animal score above pairs of two, in standard
              deviations

    Each has a 95 % interval over animals or classes, and stands beside two ways to compare photos
    without a model: a model must beat them to be worth its time. The photos stay on this machine.
    """
    from ..judge import evaluate_gallery

    opened = open_gallery(folder, model, background, fit=fit, pooling=pooling)
    if out and out.resolve().is_relative_to(opened.root.resolve()):
        reason = "lies among the photos, where figures would be taken for photos"
        raise VitsimError(out, reason, "Choose a folder elsewhere.")
    report = evaluate_gallery(opened, progress=sys.stderr.isatty())
    recipe = opened.recipe
    if as_json:
        print(json.dumps(_plain_data(folder, opened, report), indent=1))
    else:
        size = f"{count(report.photos, 'photo')} of {report.identities} identities"
        how = f"background {'kept' if recipe.background is None else recipe.background}"
        print(plain(f"{folder}: {size}, {report.queries} asked for"))
        print(plain(f"model {recipe.model}, {recipe.pooling}, {recipe.fit}, {how}") + "\n")
        print(*map(plain, str(report).split("\n")), sep="\n")
    tell("note", report.notes)
    if out:
        _save_figures(out, report)


def _plain_data(folder: str, gallery: Gallery, report: Report) -> dict:
    about = {"folder": folder} | dataclasses.asdict(gallery.recipe)
    about |= {"photos": report.photos, "identities": report.identities}
    about |= {"queries": report.queries, "chance": report.chance, "notes": report.notes}
    about["skipped"] = gallery.skipped
    figures = {
        name: {figure: _without_nan(value) for figure, value in method.figures.items()}
        for name, method in report.methods.items()
    }
    return about | {"figures": figures}


def _without_nan(value: Interval) -> dict[str, float | None]:
    """JSON has no NaN; a limit that cannot be told is null."""
    return {k: None if math.isnan(v) else v for k, v in dataclasses.asdict(value).items()}


def _save_figures(out: Path, report: Report) -> None:
    """Histograms of the model's scores; ROC and DET of all methods."""
    import numpy as np

    from .. import plots
    from ..evaluation import equal_error_rate, fmr_fnmr

    rates, tails = {}, 1 / (1 + np.exp(-np.linspace(-12, 12, 2000)))  # millions are not drawn
    for name, method in report.methods.items():
        both = np.concatenate([method.genuine, method.impostor])
        steps = np.append(np.quantile(both, tails), np.inf)
        rates[name] = fmr_fnmr(method.genuine, method.impostor, steps)
    model = next(iter(report.methods.values()))
    groups = {"genuine": model.genuine, "impostor": model.impostor}
    mark = equal_error_rate(*groups.values()).threshold
    save_figure(plots.score_strips(groups, mark), out / "scores.png")
    save_figure(plots.roc(rates), out / "roc.png")
    save_figure(plots.det(rates), out / "det.png")
