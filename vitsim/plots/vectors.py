"""Vectors in the plane: arrows, and the angle between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ._base import BLUE, INK, ORANGE, grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    figure, axes = grid(1, len(panels), "", (width * len(panels), height), scores=False)
    for axis, panel, title in zip(axes[0], panels, titles, strict=True):
        axis.set_title(title.replace("-", "−"), fontsize=18, color=INK, pad=10)
        _plane(axis, low, high, circle)
        _angle(axis, *map(np.asarray, panel.values()))
        for (name, tip), colour, side in zip(panel.items(), (BLUE, ORANGE), (-1, 1), strict=True):
            _arrow(axis, name, np.asarray(tip), colour, side)
    for axis, ends in zip(axes[0], dashed, strict=False):
        axis.plot(*np.transpose(ends), "--", color=INK, lw=2.5)
    return figure


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
