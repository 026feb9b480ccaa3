"""What moves a score: factors that differ between photos, and effects with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ._base import BLUE, INK, ORANGE, grid, plain, word

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ..evaluation import Interval

STYLES = (  # of the series of a forest plot: told apart by form, not by colour alone
    {"color": BLUE, "marker": "o", "markerfacecolor": BLUE},
    {"color": ORANGE, "marker": "s", "markerfacecolor": "white"},
)


def factor_strips(tables: dict[str, pd.DataFrame], under: Sequence[object] = ()) -> Figure:
    """A panel a factor: the mean score of each pet at each level, joined by a line; means in bold.

    A table has a row a pet and a column a level, named as it is to be written. What is `under` a
    panel, the interval of the difference for one, is written there.
    """
    figure, axes = grid(1, len(tables), "", (3.1 * len(tables), 5), sharey=True)
    for number, (axis, (factor, table)) in enumerate(zip(axes[0], tables.items(), strict=True)):
        at = np.arange(len(table.columns))
        axis.plot(at, table.T, color=BLUE, alpha=0.45, lw=1.5, marker="o", ms=5)
        axis.plot(at, table.mean(), color=INK, lw=4, marker="D", ms=10)
        axis.set_axis_on()
        axis.set_xticks(at, table.columns)
        axis.set_xlim(-0.4, at[-1] + 0.4)
        axis.set_title(factor, fontsize=18, fontweight="bold", color=INK)
        if number < len(under):
            axis.set_xlabel(_written(under[number]), fontsize=16, color=INK, labelpad=10)
        plain(axis)
    axes[0, 0].set_ylabel(word("score (d′)"), fontsize=16, color=INK)
    return figure


def score_by_turn(
    turn: Sequence[float], scores: Sequence[float], fitted: Sequence[float] | None = None
) -> Figure:
    """Scores against the angle between two views, 0 to 180 degrees, and their means every 30.

    `fitted` is what a model says of each pair: drawn as a dashed curve.
    """
    turn, scores = np.asarray(turn), np.asarray(scores)
    figure, ((axis,),) = grid(1, 1, "", (12, 4.8))
    axis.scatter(turn, scores, s=18, color=BLUE, alpha=0.4, lw=0)
    for low in range(0, 180, 30):
        inside = np.clip(turn // 30, 0, 5) == low // 30
        if inside.any():
            axis.plot([low, low + 30], [scores[inside].mean()] * 2, color=INK, lw=4)
    if fitted is not None:
        order = np.argsort(turn)
        axis.plot(turn[order], np.asarray(fitted)[order], color=ORANGE, lw=3.5, ls="--")
    axis.set_axis_on()
    axis.set_xticks(range(0, 181, 30), [f"{angle}°" for angle in range(0, 181, 30)])
    axis.set_xlabel(word("turn"), fontsize=16, color=INK)
    axis.set_ylabel(word("score (d′)"), fontsize=16, color=INK)
    plain(axis)
    return figure


def forest(series: dict[str, dict[str, Interval]], unit: str = "Δ score (d′)") -> Figure:
    """Intervals below each other around the line of no effect, written out at the right.

    One or two series, each with the same rows; two share a row, told apart by the mark's form.
    """
    rows, several = list(next(iter(series.values()))), len(series) > 1
    figure, ((axis,),) = grid(1, 1, "", (12, (0.72 if several else 0.6) * len(rows) + 1.3))
    axis.axvline(0, color=INK, lw=1.5)
    for number, (name, intervals) in enumerate(series.items()):
        for row, key in enumerate(rows):
            one, y = intervals[key], row + 0.4 * number - 0.2 * several
            axis.plot([one.low, one.high], [y, y], lw=3, color=STYLES[number]["color"])
            label = name if several and row == 0 else None
            axis.plot(one.estimate, y, ms=11, mew=2.5, ls="", label=label, **STYLES[number])
            beside = {"transform": axis.get_yaxis_transform(), "va": "center", "color": INK}
            axis.text(1.02, y, _written(one), fontsize=14 if several else 16, **beside)
    axis.set_axis_on()
    axis.set_yticks(range(len(rows)), rows)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel(word(unit), fontsize=16, color=INK)
    plain(axis)
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0, labelsize=17)
    if several:
        above = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": len(series)}
        axis.legend(fontsize=16, frameon=False, **above)
    return figure


def residual_plots(fitted: Sequence[float], residuals: Sequence[float]) -> Figure:
    """Residuals against fitted values, and sorted against the quantiles of a normal law."""
    from scipy.special import ndtri

    residuals = np.asarray(residuals)
    normal = ndtri((np.arange(residuals.size) + 0.5) / residuals.size)
    figure, ((left, right),) = grid(1, 2, "", (12, 4.6), sharey=True)
    left.scatter(fitted, residuals, s=18, color=BLUE, alpha=0.4, lw=0)
    left.axhline(0, color=INK, lw=1.5)
    right.scatter(normal, np.sort(residuals), s=18, color=BLUE, lw=0)
    right.plot(normal, residuals.mean() + residuals.std() * normal, color=INK, lw=1.5)
    for axis, label in ((left, "fitted"), (right, "normal quantiles")):
        axis.set_axis_on()
        axis.set_xlabel(word(label), fontsize=16, color=INK)
        plain(axis)
    left.set_ylabel(word("residuals"), fontsize=16, color=INK)
    return figure


def _written(value: object) -> str:
    return str(value).replace("-", "−")  # real minus signs
