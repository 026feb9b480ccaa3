"""What the figures of lesson 06 draw, read back from their axes."""

import numpy as np
import pandas as pd
import pytest

from vitsim import plots
from vitsim.evaluation import Interval

LIGHT, PLACE = Interval(0.4, 0.2, 0.6), Interval(-0.001, -0.3, 0.3)


def lines(axis):
    return [line.get_xydata().tolist() for line in axis.lines]


def words(axis):
    return [text.get_text() for text in axis.texts]


def test_a_forest_draws_each_interval_from_low_to_high_and_its_estimate():
    (axis,) = plots.forest({"": {"light": LIGHT, "place": PLACE}}).axes
    drawn = lines(axis)
    assert [[0.2, 0], [0.6, 0]] in drawn and [[0.4, 0]] in drawn
    assert [[-0.3, 1], [0.3, 1]] in drawn
    assert [label.get_text() for label in axis.get_yticklabels()] == ["light", "place"]


def test_a_forest_writes_real_minus_signs_and_no_minus_zero():
    (axis,) = plots.forest({"": {"light": LIGHT, "place": PLACE}}).axes
    assert words(axis) == ["0.40 [0.20, 0.60]", "0.00 [−0.30, 0.30]"]


def test_two_series_share_a_row_and_differ_by_the_form_of_the_mark():
    one, other = {"light": LIGHT}, {"light": PLACE}
    (axis,) = plots.forest({"genuine": one, "impostor": other}).axes
    marks = [line for line in axis.lines if line.get_marker() != "None"]
    assert [mark.get_label() for mark in marks] == ["genuine", "impostor"]
    assert marks[0].get_marker() != marks[1].get_marker()
    assert marks[0].get_ydata()[0] < 0 < marks[1].get_ydata()[0]  # row 0, above and below


def test_strips_join_the_levels_of_each_pet_and_their_means():
    table = pd.DataFrame({"≠": [1.0, 2.0], "=": [2.0, 5.0]}, index=["dog_001", "dog_002"])
    (axis,) = plots.factor_strips({"light": table}, [LIGHT]).axes
    assert lines(axis) == [[[0, 1], [1, 2]], [[0, 2], [1, 5]], [[0, 1.5], [1, 3.5]]]
    assert axis.get_xlabel() == "0.40 [0.20, 0.60]"


def test_scores_by_turn_show_means_every_30_degrees_and_the_fit_in_order():
    (axis,) = plots.score_by_turn([170, 10, 20], [3, 1, 2], [6.0, 4.0, 5.0]).axes
    first, last, fit = lines(axis)
    assert first == [[0, 1.5], [30, 1.5]] and last == [[150, 3], [180, 3]]
    assert fit == [[10, 4], [20, 5], [170, 6]]


def test_a_turn_at_a_border_counts_once():
    (axis,) = plots.score_by_turn([30, 150, 180], [1, 2, 4]).axes
    assert lines(axis) == [[[30, 1], [60, 1]], [[150, 3], [180, 3]]]


def test_normal_residuals_lie_on_the_line():
    residuals = np.random.default_rng(0).normal(0, 2, 5000)
    _, right = plots.residual_plots(np.zeros(5000), residuals).axes
    (line,) = lines(right)
    points = right.collections[0].get_offsets()
    assert line[2500][1] == pytest.approx(points[2500, 1], abs=0.1)
    assert line[0][1] == pytest.approx(points[0, 1], abs=1)
    skewed = np.exp(residuals / 2)
    _, right = plots.residual_plots(np.zeros(5000), skewed).axes
    assert right.collections[0].get_offsets()[-1, 1] > lines(right)[0][-1][1] + 5
