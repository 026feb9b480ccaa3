"""The figures of the lessons and of the command line, a file for each thing that is drawn."""

from ._base import name_model
from .errors import cost_curves, det, error_rates, interval_panels, recall_by_gallery_size, roc
from .factors import factor_strips, forest, residual_plots, score_by_turn
from .matching import patch_lines, recall_curves
from .photos import match_grid, photo_row
from .scale import growth
from .scores import score_matrix, score_strips
from .vectors import arrows
from .vision import heat_maps, patch_grid, photo_map, spotlights
