"""How a collection grows: straight lines on two logarithmic axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._base import BLUE, INK, ORANGE, one_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def growth(
    sizes: np.ndarray, lines: dict[str, np.ndarray], marks: dict[str, float], axes: tuple[str, str]
) -> Figure:
    """Quantities `(n,)` against `sizes` `(n,)`, both logarithmic; `marks` are levels, dashed.

    Each line, three at most, bears its name at its right end; `axes` names the horizontal and the
    vertical one.
    """
    figure, axis = one_axis((12, 6.2), *axes, scores=False)
    styles = zip((BLUE, ORANGE, INK), ("o", "s", "^"), strict=True)
    beside = {"va": "center", "fontsize": 16, "fontweight": "bold"}
    for (name, values), (colour, marker) in zip(lines.items(), styles, strict=False):
        axis.loglog(sizes, values, color=colour, marker=marker, lw=3, ms=9)
        axis.text(1.25 * sizes[-1], values[-1], name, color=colour, **beside)
    for name, level in marks.items():
        axis.plot(sizes[[0, -1]], [level, level], color="#777777", lw=2, ls="--", zorder=1)
        axis.text(sizes[0], 1.25 * level, name, color="#555555", fontsize=15)
    return figure
