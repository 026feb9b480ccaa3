"""The baselines see what they should see, and nothing more."""

import numpy as np
import pytest
from PIL import Image

from vitsim import baselines, datasets
from vitsim.baselines import BASELINES, colours, pixels, unit
from vitsim.images import open_photo


@pytest.fixture(scope="module")
def cat() -> Image.Image:
    return open_photo(datasets.sample("cat"))


@pytest.mark.parametrize("name", BASELINES)
def test_rows_have_norm_1_and_a_path_is_as_good_as_its_photo(name, cat):
    rows = BASELINES[name](iter([cat, datasets.sample("cat"), datasets.sample("coffee")]))
    assert len(rows) == 3 and np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert np.array_equal(rows[0], rows[1]) and rows[0] @ rows[2] < 0.99


def test_pixels_score_the_correlation_of_two_thumbnails_and_not_their_brightness(cat):
    cat = cat.crop((0, 0, 300, 300))  # a square: the bars of a letterbox do not grow dim
    dim = cat.point(lambda value: value // 2 + 20)
    rows = pixels([cat, dim, cat.transpose(Image.Transpose.ROTATE_180)])
    assert rows[0] @ rows[1] > 0.99 > 0.5 > rows[0] @ rows[2]
    thumbnails = [np.asarray(baselines.fit(one, 16), float).ravel() for one in (cat, dim)]
    assert rows[0] @ rows[1] == pytest.approx(np.corrcoef(*thumbnails)[0, 1], abs=1e-5)


def test_colours_do_not_see_where_a_colour_is(cat):
    rows = colours([cat, cat.transpose(Image.Transpose.ROTATE_180), cat.convert("L")])
    assert rows[0] @ rows[1] > 0.98 > 0.5 > rows[0] @ rows[2]


def test_a_flat_photo_is_like_no_other_and_breaks_nothing(cat):
    rows = pixels([Image.new("RGB", (40, 30), (128, 128, 128)), cat])
    assert np.isfinite(rows).all() and rows[0] @ rows[1] == pytest.approx(0, abs=0.01)
    assert np.array_equal(unit(np.zeros((1, 3))), np.zeros((1, 3)))


def test_colours_score_bhattacharyyas_coefficient():
    def flag(blue):
        image = Image.new("RGB", (64, 64), (200, 0, 0))
        image.paste((0, 0, 200), (0, 0, 64, blue))
        return image

    rows = colours([flag(16), flag(48), Image.new("RGB", (64, 64)), flag(64)])
    assert rows[0] @ rows[1] == pytest.approx(2 * np.sqrt(3 / 16), abs=1e-6)
    assert rows[2] @ rows[3] == 0
