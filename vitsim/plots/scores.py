"""Scores: where they lie, and all pairs of them as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ._base import BLUE, INK, ORANGE, grid, word

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def score_strips(
    groups: dict[str, np.ndarray], mark: float | None = None, across: str = "score"
) -> Figure:
    """Histograms of scores on one axis, below each other, each with its mean and deviation.

    Every strip has its own height: what counts is where it lies. `mark` is a threshold, `across`
    says what is measured.
    """
    figure, axes = grid(len(groups), 1, "", (12, 1.35 * len(groups) + 0.95), sharex=True)
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
    axis.set_xlabel(word(across), fontsize=16, color=INK)
    return figure


def score_matrix(scores: np.ndarray, labels: Sequence[str]) -> Figure:
    """Scores of all pairs `(n, n)` as a picture, with lines where the label of the rows changes."""
    figure, ((axis,),) = grid(1, 1, "", (9.5, 7.6))
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
    bar.set_label(word("score"), fontsize=16, color=INK)
    return figure
