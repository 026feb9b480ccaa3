"""What belongs together: lines between patches of two photos; recall as the list grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..images import Photo, fit
from ._base import BLUE, INK, ORANGE, grid, one_axis, opened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..parts import Correspondences

SIDE, GAP, DROP = 448, 40, 100  # of a photo, between two, and how much lower the second is: pixels


def patch_lines(
    pairs: Sequence[tuple[Photo, Photo, Correspondences]],
    patches: int,
    titles: Sequence[str],
    right: Sequence[np.ndarray] | None = None,
) -> Figure:
    """Pairs of photos, a line from each patch to the one that belongs to it.

    `patches` is their number along a side of the letterboxed square. The second photo of a pair
    hangs lower, so that lines along one row do not hide each other. `right` has a bool for every
    line of every pair: right ones are solid between dots, wrong ones dotted between crosses.
    """
    width, height = 2 * SIDE + GAP, SIDE + DROP
    figure, axes = grid(1, len(pairs), "", (12, 12 / len(pairs) * height / width + 0.7))
    right = right or [np.ones(len(found), bool) for _, _, found in pairs]
    for axis, (*photos, found), title, good in zip(axes[0], pairs, titles, right, strict=True):
        paper = np.full((height, width, 3), 255, dtype=np.uint8)
        paper[:SIDE, :SIDE], paper[DROP:, SIDE + GAP :] = (fit(opened(one), SIDE) for one in photos)
        axis.imshow(paper)
        axis.set_title(title, fontsize=17, color=INK, fontweight="bold")
        centres = [(places[:, ::-1] + 0.5) * SIDE / patches for places in (found.a, found.b)]
        ends = np.stack([centres[0], centres[1] + (SIDE + GAP, DROP)]).swapaxes(0, 2)  # x, y
        for chosen, colour, mark, style in ((good, BLUE, "o", "-"), (~good, ORANGE, "X", ":")):
            x, y = ends[0][chosen].T, ends[1][chosen].T
            axis.plot(x, y, color="white", lw=3.5, alpha=0.7, zorder=2)
            axis.plot(x, y, color=colour, lw=2, ls=style, zorder=3)
            axis.plot(x, y, mark, color=colour, mec="white", ms=8, zorder=4)
    return figure


def recall_curves(curves: dict[str, np.ndarray]) -> Figure:
    """Recall@k, 0–1, for k = 1, 2, …: a line of its own look for each name, three at most."""
    figure, axis = one_axis((12, 5), "k", "recall@k")
    looks = zip((BLUE, ORANGE, INK), ("-", "--", ":"), strict=True)
    for (name, recall), (colour, style) in zip(curves.items(), looks, strict=False):
        k = np.arange(1, len(recall) + 1)
        axis.plot(k, recall, style, color=colour, lw=3.5, label=name)
    longest = max(map(len, curves.values()))
    ticks = [k for k in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if k <= longest]
    axis.set(ylim=(0, 1.03), xscale="log")
    axis.set_xticks(ticks, ticks)
    axis.minorticks_off()
    axis.legend(fontsize=17, frameon=False, loc="lower right", handlelength=3)
    axis.grid(color="#E3E3E3", lw=1)
    return figure
