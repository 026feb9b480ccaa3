"""What the figures of the lesson on embeddings show, read off their axes."""

import numpy as np
import pytest
from PIL import Image

from vitsim import plots

RANDOM = np.random.default_rng(0)
PICTURE = RANDOM.integers(0, 200, (48, 48, 3), dtype=np.uint8)
PATCHES = PICTURE.reshape(3, 16, 3, 16, 3).transpose(0, 2, 1, 3, 4)


def shown(axis) -> np.ndarray:
    return np.asarray(axis.get_images()[0].get_array())


def test_patches_join_to_the_picture_and_stand_apart_in_white():
    joined, apart = (shown(axis) for axis in plots.patch_grid(PATCHES).axes)
    np.testing.assert_array_equal(joined, PICTURE)
    assert apart.shape == (60, 60, 3)
    np.testing.assert_array_equal(apart[22:38, 42:58], PICTURE[16:32, 32:48])  # row 1, column 2
    assert (apart[:, [0, 18, 19, 20, 21, 59]] == 255).all()


def test_patches_are_numbered_row_by_row():
    numbers = {text.get_text(): text.xy for text in plots.patch_grid(PATCHES).axes[1].texts}
    assert set(numbers) == {"1", "2", "3", "4", "9"}
    assert tuple(numbers["3"]) == (50, 10) and tuple(numbers["4"]) == (10, 30)


def test_maps_share_one_scale_and_the_marked_cell_is_framed():
    maps = [np.eye(4), 5 * np.eye(4)]
    figure = plots.heat_maps(maps, ["one", "other"], [(0, 3), (2, 1)])
    first, second = figure.axes[:2]
    assert first.get_images()[0].get_clim() == second.get_images()[0].get_clim() == (0, 5)
    assert [axis.get_title() for axis in (first, second)] == ["one", "other"]
    (frame,) = second.patches
    assert frame.get_xy() == (0.5, 1.5) and frame.get_width() == frame.get_height() == 1


def test_light_falls_where_the_weights_are():
    weights = np.zeros((2, 2))
    weights[0, 1] = 0.3
    grey = Image.new("RGB", (90, 90), (120, 120, 120))
    photo, lit = (shown(axis) for axis in plots.spotlights(grey, [weights], ["head"]).axes)
    assert photo.shape == lit.shape == (448, 448, 3)
    bright = lit.astype(int).sum(axis=2)
    assert bright[:224, 224:].min() > 2 * bright[:, :224].max()
    assert bright[224:].max() == bright[:, :224].max()


def test_small_weights_stay_visible_beside_a_large_one():
    weights = np.array([[1.0, 0.01], [0.0, 0.0]])
    figure = plots.spotlights(Image.new("RGB", (90, 90), (120, 120, 120)), [weights], [""])
    lit = shown(figure.axes[1]).astype(int)
    assert lit[0, -1, 0] > lit[-1, -1, 0] + 10


def test_photos_lie_at_their_points_on_axes_of_one_scale():
    points = np.array([[0.0, 0.0], [4.0, 1.0], [1.0, 3.0]])
    photos = [Image.new("RGBA", (90, 60), (200, 0, 0, 128))] * 3
    figure = plots.photo_map(points, photos)
    figure.draw_without_rendering()
    (axis,) = figure.axes
    assert [tuple(one.xy) for one in axis.artists] == [tuple(point) for point in points]
    steps = axis.transData.transform([(0, 0), (1, 0), (0, 1)])
    assert steps[1, 0] - steps[0, 0] == pytest.approx(steps[2, 1] - steps[0, 1], rel=0.02)
    inside = axis.get_window_extent()
    assert all(inside.contains(*axis.transData.transform(point)) for point in points)
