"""The figures of the lessons and of the command line, a file for each thing that is drawn."""

from .photos import match_grid, photo_row
from .scores import score_matrix, score_strips
from .vectors import arrows

__all__ = ["arrows", "match_grid", "photo_row", "score_matrix", "score_strips"]
