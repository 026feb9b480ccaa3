"""The figures of the lessons and of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .encoder import Photo
from .images import fit, open_photo

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .gallery import Match

INK, BLUE, ORANGE = "#222222", "#0072B2", "#D55E00"  # Okabe & Ito: safe for colour-blind readers


def match_grid(
    query: Photo, matches: Sequence[Match], truth: str | None = None, caption: str = ""
) -> Figure:
    """The query, then its matches, best first, with rank, score and label.

    With `truth`, the query's label, a tick or a cross tells the right matches from the wrong ones.
    """
    columns = min(len(matches), 4) + 1
    rows = max(1, -(-len(matches) // 4))
    figure, axes = _grid(rows, columns, caption)
    _show(axes[0][0], query, "query", truth or "", ORANGE)
    cells = [axis for row in axes for axis in row[1:]]
    for axis, match in zip(cells, matches, strict=False):
        sign = "" if truth is None else ("  ✓" if match.label == truth else "  ✗")
        _show(axis, match.path, f"{match.rank}.  {match.score:.2f}{sign}", match.label, BLUE)
    return figure


def photo_row(photos: Sequence[Photo], titles: Sequence[str]) -> Figure:
    """Photos side by side at the same height and with their proportions, each under its title."""
    images = [_opened(photo) for photo in photos]
    shapes = [image.width / image.height for image in images]
    height = min(3.4, 11 / sum(shapes))  # inches; a beamer shows some 12 of these across
    size = (height * sum(shapes), height + 0.5)
    figure, axes = _grid(1, len(images), "", size, width_ratios=shapes)
    for axis, image, title in zip(axes[0], images, titles, strict=True):
        _show(axis, image, title, "", INK, square=False)
    return figure


def arrows(
    panels: Sequence[dict[str, Sequence[float]]],
    titles: Sequence[str],
    dashed: Sequence[tuple] = (),
    circle: bool = False,
) -> Figure:
    """Two vectors `(x, y)` by name in each panel, on one scale, with the angle θ between them.

    `dashed` has a segment `(start, end)` for each panel; `circle` adds all vectors of norm 1.
    """
    low, high = _corners(panels, circle)
    width = min(5.4, 12 / len(panels))
    height = (width - 0.5) * (high - low)[1] / (high - low)[0] + 0.35 * titles[0].count("\n") + 0.9
    figure, axes = _grid(1, len(panels), "", (width * len(panels), height))
    for axis, panel, title in zip(axes[0], panels, titles, strict=True):
        axis.set_title(title.replace("-", "−"), fontsize=18, color=INK, pad=10)
        _plane(axis, low, high, circle)
        _angle(axis, *map(np.asarray, panel.values()))
        for (name, tip), colour, side in zip(panel.items(), (BLUE, ORANGE), (-1, 1), strict=True):
            _arrow(axis, name, np.asarray(tip), colour, side)
    for axis, ends in zip(axes[0], dashed, strict=False):
        axis.plot(*np.transpose(ends), "--", color=INK, lw=2.5)
    return figure


def score_strips(groups: dict[str, np.ndarray], mark: float | None = None) -> Figure:
    """Histograms of scores on one axis, below each other, each with its mean and deviation.

    Every strip has its own height: what counts is where it lies. `mark` is a threshold.
    """
    figure, axes = _grid(len(groups), 1, "", (12, 1.35 * len(groups) + 0.6), sharex=True)
    lowest = min(scores.min() for scores in groups.values())
    edges = np.arange(np.floor(100 * lowest), 101) / 100
    for axis, (name, scores) in zip(axes[:, 0], groups.items(), strict=True):
        axis.hist(scores, edges, color=BLUE, alpha=0.55)
        axis.axhline(0, color=INK, lw=1)
        axis.axvline(scores.mean(), color=INK, lw=2.5)
        if mark is not None:
            axis.axvline(mark, color=ORANGE, lw=2.5, ls="--")
        beside = {"transform": axis.transAxes, "va": "center", "fontsize": 16, "color": INK}
        axis.text(-0.01, 0.4, name, ha="right", fontweight="bold", **beside)
        moments = f"$\\bar{{x}}$ = {scores.mean():z.2f}\n$s$ = {scores.std():.2f}"
        axis.text(1.01, 0.4, moments.replace("-", "−"), **beside)
    axis.set_axis_on()
    axis.yaxis.set_visible(False)
    axis.spines[["left", "right", "top"]].set_visible(False)
    axis.tick_params(labelsize=15)
    return figure


def score_matrix(scores: np.ndarray, labels: Sequence[str]) -> Figure:
    """Scores of all pairs `(n, n)` as a picture, with lines where the label of the rows changes."""
    figure, ((axis,),) = _grid(1, 1, "", (9.5, 7.6))
    shown = axis.imshow(scores, cmap="cividis")
    labels = np.asarray(labels)
    first = np.append(0, np.flatnonzero(labels[1:] != labels[:-1]) + 1)
    middles = (first + np.append(first[1:], len(labels)) - 1) / 2
    for border in first[1:] - 0.5:
        axis.axhline(border, color="white", lw=2)
        axis.axvline(border, color="white", lw=2)
    axis.set_axis_on()
    axis.set_xticks(middles, labels[first])
    axis.set_yticks(middles, labels[first])
    axis.tick_params(length=0, labelsize=14)
    bar = figure.colorbar(shown, ax=axis)
    bar.ax.tick_params(labelsize=15)
    return figure


def _opened(photo: Photo) -> Image.Image:
    image = photo if isinstance(photo, Image.Image) else open_photo(photo)
    if image.mode != "RGBA":
        return image.convert("RGB")  # imshow would colour greys
    rows, columns = np.indices(image.size[::-1]) // 10  # chequers, so that transparency is seen
    checks = Image.fromarray(np.uint8(np.where((rows + columns) % 2, 255, 205)))
    return Image.alpha_composite(checks.convert("RGBA"), image).convert("RGB")


def _grid(rows: int, columns: int, caption: str, size: tuple | None = None, **ratios):
    from matplotlib.figure import Figure

    size = size or (2.6 * columns, 3.3 * rows + 0.5 * bool(caption))
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **ratios)
    for axis in axes.flat:
        axis.set_axis_off()
    if caption:
        figure.suptitle(caption, fontsize=14, color=INK)
    return figure, axes


def _show(axis, photo: Photo, title: str, under: str, colour: str, square: bool = True) -> None:
    image = _opened(photo)
    axis.imshow(fit(image, 256, fill=(255, 255, 255)) if square else image)
    axis.set_title(title, fontsize=17, color=colour, fontweight="bold")
    if under:  # as the label of an axis that shows nothing else, so that the layout makes room
        axis.set_axis_on()
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        axis.set_xlabel(under, fontsize=16, color=INK)


def _corners(panels: Sequence[dict], circle: bool) -> tuple[np.ndarray, np.ndarray]:
    """The lower left and the upper right corner of a plane that holds every arrow, and a margin."""
    ends = [(0, 0), *(tip for panel in panels for tip in panel.values())]
    ends += [(-1, -1), (1, 1)] if circle else []
    margin = 0.16 * np.ptp(ends, axis=0).max()
    return np.min(ends, axis=0) - margin, np.max(ends, axis=0) + margin


def _plane(axis, low: np.ndarray, high: np.ndarray, circle: bool) -> None:
    """Axes through the origin on a light grid, with the circle of radius 1 if asked for."""
    axis.set_axis_on()
    axis.set(aspect="equal", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    axis.locator_params(integer=True, nbins=6)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0, labelsize=14, labelcolor="#666666")
    axis.grid(color="#E3E3E3", lw=1)
    axis.axhline(0, color="#999999", lw=1.2)
    axis.axvline(0, color="#999999", lw=1.2)
    turn = np.linspace(0, 2 * np.pi, 200 * circle)
    axis.plot(np.cos(turn), np.sin(turn), color=INK, lw=1.5)


def _arrow(axis, name: str, tip: np.ndarray, colour: str, side: int) -> None:
    """An arrow from the origin with its name beside the tip: to its left (1) or right (−1)."""
    style = {"arrowstyle": "-|>", "mutation_scale": 26, "lw": 3.5, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", tip, (0, 0), arrowprops=style | {"color": colour})
    ahead = tip / np.linalg.norm(tip)
    beside = 13 * ahead + side * 14 * np.array([-ahead[1], ahead[0]])
    axis.annotate(name, tip, beside, textcoords="offset points", ha="center", va="center",
                  fontsize=21, color=colour, fontweight="bold")  # fmt: skip


def _angle(axis, a: np.ndarray, b: np.ndarray) -> None:
    """A wedge from `a` to `b`, the short way round; none where they point the same way."""
    first, second = np.arctan2(a[1], a[0]), np.arctan2(b[1], b[0])
    sweep = (second - first + np.pi) % (2 * np.pi) - np.pi
    if abs(sweep) < 1e-6:
        return
    turn = first + np.linspace(0, sweep, 61)
    arc = np.array([np.cos(turn), np.sin(turn)]) * min(np.linalg.norm(a), np.linalg.norm(b)) * 0.4
    axis.fill([0, *arc[0]], [0, *arc[1]], color=INK, alpha=0.12, lw=0)
    axis.plot(*arc, color=INK, lw=2)
    beyond = 15 * arc[:, 30] / np.linalg.norm(arc[:, 30])
    axis.annotate("θ", arc[:, 30], beyond, textcoords="offset points", fontsize=20, color=INK,
                  ha="center", va="center")  # fmt: skip
