"""What every figure shares: colours, a grid of axes, a photo on an axis."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ..exercises import language
from ..images import Photo, fit, open_photo

INK, BLUE, ORANGE = "#222222", "#0072B2", "#D55E00"  # Okabe & Ito: safe for colour-blind readers
PORTUGUESE = {  # what the figures themselves write; names that a lesson hands in stay as they are
    "error rate": "taxa de erro",
    "expected cost": "custo esperado",
    "fitted": "valores ajustados",
    "individuals in the gallery": "indivíduos na galeria",
    "measured": "medido",
    "model": "modelo",
    "model, 95 %": "modelo, 95 %",
    "normal quantiles": "quantis da normal",
    "query": "consulta",
    "residuals": "resíduos",
    "score": "escore",
    "score (d′)": "escore (d′)",
    "threshold": "limiar",
    "turn": "giro",
    "Δ score (d′)": "Δ escore (d′)",
}
_named = {"model": ""}


def name_model(name: str) -> None:
    """Let every later figure that shows what a model made of photos say which one it was."""
    _named["model"] = name


def word(english: str) -> str:
    """The word in the language of the notebook that draws."""
    return PORTUGUESE.get(english, english) if language() == "pt" else english


def opened(photo: Photo) -> Image.Image:
    """The photo in RGB, transparency on chequers."""
    if not (isinstance(photo, Image.Image) and photo.mode == "RGBA"):
        return open_photo(photo)
    rows, columns = np.indices(photo.size[::-1]) // 10  # chequers, so that transparency is seen
    checks = Image.fromarray(np.uint8(np.where((rows + columns) % 2, 255, 205)))
    return Image.alpha_composite(checks.convert("RGBA"), photo).convert("RGB")


def grid(
    rows: int, columns: int, caption: str, size: tuple | None = None, scores: bool = True, **ratios
):
    """A figure and its `(rows, columns)` axes, all switched off; `size` in inches.

    `scores=False`: nothing that it shows comes from a model.
    """
    from matplotlib.figure import Figure

    size = size or (2.6 * columns, 3.3 * rows + 0.5 * bool(caption))
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **ratios)
    for axis in axes.flat:
        axis.set_axis_off()
    if caption:
        figure.suptitle(caption, fontsize=14, color=INK, parse_math=False)
    if scores and _named["model"]:
        told = f"{word('model')} {_named['model']}"
        figure.supxlabel(told, x=1, ha="right", fontsize=12, color="#666666", parse_math=False)
    return figure, axes


def one_axis(size: tuple, across: str, up: str, scores: bool = True):
    """A figure with one axis, labelled for the back of the room; `size` and `scores` as above."""
    figure, ((axis,),) = grid(1, 1, "", size, scores)
    axis.set_axis_on()
    axis.set_xlabel(word(across), fontsize=17)
    axis.set_ylabel(word(up), fontsize=17)
    plain(axis)
    return figure, axis


def plain(axis) -> None:
    """Two spines, and ticks to be read from the back of a room."""
    axis.spines[["right", "top"]].set_visible(False)
    axis.tick_params(labelsize=15)


def show(axis, photo: Photo, title: str, under: str, colour: str, square: bool = True) -> None:
    """Draw a photo on an axis, with a title and a line of text under it."""
    image = opened(photo)
    axis.imshow(fit(image, 256, fill=(255, 255, 255)) if square else image)
    axis.set_title(title, fontsize=17, color=colour, fontweight="bold")
    if under:  # as the label of an axis that shows nothing else, so that the layout makes room
        axis.set_axis_on()
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        # A name of a folder: a $ in it begins no formula.
        axis.set_xlabel(under, fontsize=16, color=INK, parse_math=False)
