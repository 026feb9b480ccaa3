"""Errors: against the threshold, against each other, with their intervals, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ._base import BLUE, INK, ORANGE, grid, one_axis, word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..evaluation import ErrorRates, Interval

GREEN, GREY = "#009E73", "#999999"
STYLES = [(BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (INK, ":")]  # told by more than colour
PERCENTS = np.array([0.01, 0.1, 1, 5, 20, 50, 80, 95, 99, 99.9])


def error_rates(rates: ErrorRates, mark: float | None = None) -> Figure:
    """FMR and FNMR against the threshold; where they cross is the equal error rate.

    `mark` is a threshold.
    """
    figure, axis = one_axis((12, 4.6), "threshold", "error rate")
    inner = slice(0, -1) if np.isinf(rates.thresholds[-1]) else slice(None)
    for name, rate, (colour, style) in zip(
        ("FMR", "FNMR"), (rates.fmr, rates.fnmr), STYLES, strict=False
    ):
        axis.plot(rates.thresholds[inner], rate[inner], style, color=colour, lw=3, label=name)
    if mark is not None:
        axis.axvline(mark, color=INK, lw=2)
        beside = {"xytext": (8, 0), "textcoords": "offset points", "fontsize": 17, "va": "top"}
        axis.annotate(f"{mark:z.2f}".replace("-", "−"), (mark, 1), **beside)
    axis.set_ylim(0, 1)
    _legend(axis)
    return figure


def roc(curves: Mapping[str, ErrorRates], mark: float | None = None) -> Figure:
    """Receiver operating characteristics: 1 − FNMR against FMR, a curve for each name.

    A ring marks the threshold `mark` on every curve. The dotted line is guessing.
    """
    figure, axis = one_axis((7.4, 6.6), "FMR", "1 − FNMR")
    axis.plot([0, 1], [0, 1], ":", color=GREY, lw=2)
    for number, (name, rates) in enumerate(curves.items()):
        colour, style = STYLES[number % len(STYLES)]
        axis.plot(rates.fmr, 1 - rates.fnmr, style, color=colour, lw=3, label=name)
        if mark is not None:
            fmr, fnmr = _at(rates, mark)
            _ring(axis, fmr, 1 - fnmr, number, colour)
    axis.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    _legend(axis, loc="lower right")
    return figure


def det(curves: Mapping[str, ErrorRates], mark: float | None = None) -> Figure:
    """Detection error trade-offs: FNMR against FMR in per cent, on normal-deviate axes.

    Scores from two normal distributions give a straight line. Rates of 0 and 1 have no place on
    these axes. The dotted line is FMR = FNMR, where the equal error rate lies.
    """
    from scipy.special import ndtri  # the normal quantile

    figure, axis = one_axis((7.4, 6.6), "FMR %", "FNMR %")
    seen = []
    for number, (name, rates) in enumerate(curves.items()):
        colour, style = STYLES[number % len(STYLES)]
        inner = (rates.fmr > 0) & (rates.fmr < 1) & (rates.fnmr > 0) & (rates.fnmr < 1)
        x, y = ndtri(rates.fmr[inner]), ndtri(rates.fnmr[inner])
        axis.plot(x, y, style, color=colour, lw=3, label=name)
        seen += [x, y]
        if mark is not None and min(_at(rates, mark)) > 0 and max(_at(rates, mark)) < 1:
            _ring(axis, *ndtri(_at(rates, mark)), number, colour)
    seen = np.concatenate([*seen, ndtri([0.01, 0.6])])  # never less than this much to see
    ends = seen.min() - 0.1, seen.max() + 0.1
    axis.axline((0, 0), slope=1, ls=":", color=GREY, lw=2)
    ticks = ndtri(PERCENTS / 100), [f"{p:g}" for p in PERCENTS]
    axis.set_xticks(*ticks)
    axis.set_yticks(*ticks)
    axis.set(xlim=ends, ylim=ends, aspect="equal")
    axis.grid(color="#E3E3E3", lw=1)
    _legend(axis, loc="upper right")
    return figure


def interval_panels(groups: Mapping[str, Sequence[Interval]], truth: float) -> Figure:
    """Many intervals for one FMR, the `truth`: a panel for each way to make them.

    The title of a panel counts those that hold the truth; the others are orange and crossed.
    """
    figure, axes = grid(1, len(groups), "", (12, 6.4), scores=False, sharex=True)
    for axis, (name, intervals) in zip(axes[0], groups.items(), strict=True):
        held = [one.low <= truth <= one.high for one in intervals]
        for row, (one, holds) in enumerate(zip(intervals, held, strict=True)):
            colour = BLUE if holds else ORANGE
            axis.plot([one.low, one.high], [row, row], color=colour, lw=2.5)
            axis.plot(
                one.estimate, row, "o" if holds else "X", color=colour, ms=5 + 4 * (not holds)
            )
        axis.axvline(truth, color=INK, lw=2)
        axis.set_title(f"{name}: {sum(held)} / {len(held)}", fontsize=19, color=INK)
        axis.set_axis_on()
        axis.yaxis.set_visible(False)
        axis.spines[["left", "right", "top"]].set_visible(False)
        axis.tick_params(labelsize=15)
        axis.set_xlabel("FMR", fontsize=16, color=INK)
    return figure


def recall_by_gallery_size(
    measured: tuple[np.ndarray, np.ndarray],
    model: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    published: Mapping[str, tuple[int, float]] | None = None,
) -> Figure:
    """Recall@1 against the number of individuals in the gallery, on a logarithmic axis.

    `measured`: (individuals, recall), a thick line. `model`: (individuals, recall, low, high), a
    dashed line in its band. `published`: (individuals, recall) by name, diamonds.
    """
    figure, axis = one_axis((12, 5.6), "individuals in the gallery", "recall@1")
    sizes, recall, low, high = model
    axis.fill_between(sizes, low, high, color=BLUE, alpha=0.2, lw=0)
    axis.plot(sizes, recall, "--", color=BLUE, lw=3, label=word("model, 95 %"))
    axis.plot(*measured, "-", color=INK, lw=5, label=word("measured"), solid_capstyle="butt")
    for name, place in (published or {}).items():
        axis.plot(*place, "D", color=ORANGE, ms=11)
        axis.annotate(name, place, (0, 12), textcoords="offset points", fontsize=15, ha="center",
                      color=ORANGE)  # fmt: skip
    axis.set(xscale="log", ylim=(0, 1.12), yticks=np.arange(0, 1.1, 0.2))
    _legend(axis, loc="lower left")
    return figure


def cost_curves(thresholds: np.ndarray, costs: Mapping[str, np.ndarray]) -> Figure:
    """Expected cost against the threshold, a curve for each name, its lowest point marked."""
    figure, axis = one_axis((12, 5), "threshold", "expected cost")
    for number, (name, cost) in enumerate(costs.items()):
        colour, style = STYLES[number % len(STYLES)]
        best = int(np.argmin(cost))
        axis.plot(thresholds, cost, style, color=colour, lw=3, label=name)
        axis.plot(thresholds[best], cost[best], "o", color=colour, ms=13)
    axis.set_ylim(bottom=0)
    _legend(axis)
    return figure


def _ring(axis, x: float, y: float, number: int, colour: str) -> None:
    """A larger one for each curve, so that one ring does not hide another."""
    axis.plot(x, y, "o", mfc="none", mec=colour, mew=3, ms=12 + 8 * number, zorder=3)


def _legend(axis, **where) -> None:
    axis.legend(fontsize=16, edgecolor="none", framealpha=0.9, handlelength=2.6, **where)


def _at(rates: ErrorRates, threshold: float) -> tuple[float, float]:
    """(FMR, FNMR) of scores ≥ `threshold`: those of the next threshold that occurs."""
    at = min(np.searchsorted(rates.thresholds, threshold), len(rates.thresholds) - 1)
    return float(rates.fmr[at]), float(rates.fnmr[at])
