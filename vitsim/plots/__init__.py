"""The figures of the lessons and of the command line, a file for each thing that is drawn."""

from .errors import cost_curves, det, error_rates, interval_panels, recall_by_gallery_size, roc
from .photos import match_grid, photo_row
from .scores import score_matrix, score_strips
from .vectors import arrows

__all__ = [
    "arrows",
    "cost_curves",
    "det",
    "error_rates",
    "interval_panels",
    "match_grid",
    "photo_row",
    "recall_by_gallery_size",
    "roc",
    "score_matrix",
    "score_strips",
]
