"""Every figure of `vitsim.plots` looks as it did: compared with a stored picture by pytest-mpl.

When a change is meant: `pytest tests/test_figures.py --mpl-generate-path=tests/figures`, look at
each new picture, and commit it. Data are drawn with a seed or written here; no model is asked.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from PIL import Image

from vitsim import evaluation as ev
from vitsim import plots
from vitsim.gallery import Match
from vitsim.images import PhotoError
from vitsim.intervals import Interval
from vitsim.parts import Correspondences
from vitsim.plots._base import PORTUGUESE

GENERATOR = np.random.default_rng(7)
GENUINE, IMPOSTOR = GENERATOR.normal(0.8, 0.08, 200), GENERATOR.normal(0.5, 0.1, 900)
RATES = ev.fmr_fnmr(GENUINE, IMPOSTOR)


def picture(red: int, width: int = 96, height: int = 64) -> Image.Image:
    """A seeded picture: a slope of colour with a bar across it."""
    rows, columns = np.mgrid[:height, :width]
    pixels = np.dstack([np.full((height, width), red), 2 * rows, 2 * columns]).astype(np.uint8)
    pixels[height // 3 : height // 2] = 255 - pixels[height // 3 : height // 2]
    return Image.fromarray(pixels)


def matches(folder: Path) -> list[Match]:
    for rank in (1, 2, 3):
        picture(60 * rank).save(folder / f"{rank}.png")
    return [Match(r, 1 - r / 10, folder / f"{r}.png", f"pet {r % 2}") for r in (1, 2, 3)]


def strips():
    return plots.score_strips({"genuine": GENUINE, "impostor": IMPOSTOR}, mark=0.7)


def matrix():
    angles = np.linspace(0, 3, 9)
    return plots.score_matrix(np.cos(angles[:, None] - angles), list("aaabbbccc"))


def lines():
    places = np.array([[0, 0], [1, 2], [3, 3]])
    found = Correspondences(places, places[::-1], np.array([0.9, 0.8, 0.7], np.float32))
    pair = (picture(10), picture(200), found)
    return plots.patch_lines([pair, pair], 4, ["one", "two"], [np.array([1, 0, 1], bool)] * 2)


def intervals():
    lows = np.linspace(0.02, 0.18, 12)
    groups = {"pairs": [Interval(x + 0.03, x, x + 0.06) for x in lows],
              "identities": [Interval(x + 0.06, x, x + 0.14) for x in lows]}  # fmt: skip
    return plots.interval_panels(groups, truth=0.1)


def forest():
    rows = {"light": Interval(0.4, 0.2, 0.6), "place": Interval(-0.1, -0.3, 0.1)}
    return plots.forest({"mixed": rows, "robust": rows})


def photo_map():
    points = np.array([[0.0, 0.0], [1.0, 0.5], [0.3, 1.0]])
    return plots.photo_map(points, [picture(r) for r in (20, 120, 220)])


FIGURES = {
    "photo_row": lambda: plots.photo_row([picture(0), picture(200, 40, 80)], ["wide", "tall"]),
    "arrows": lambda: plots.arrows([{"a": (3, 1), "b": (1, 2)}], ["θ"], [((3, 1), (1, 2))]),
    "score_strips": strips,
    "score_matrix": matrix,
    "error_rates": lambda: plots.error_rates(RATES, mark=0.65),
    "roc": lambda: plots.roc({"dev": RATES}, mark=0.65),
    "det": lambda: plots.det({"dev": RATES}, mark=0.65),
    "interval_panels": intervals,
    "forest": forest,
    "residual_plots": lambda: plots.residual_plots(GENUINE, GENUINE - GENUINE.mean()),
    "patch_lines": lines,
    "recall_curves": lambda: plots.recall_curves(
        {"tiny": np.linspace(0.4, 1, 20), "chance": np.linspace(0.05, 1, 20)}
    ),
    "patch_grid": lambda: plots.patch_grid(
        np.asarray(picture(90, 64, 64)).reshape(4, 16, 4, 16, 3).transpose(0, 2, 1, 3, 4)
    ),
    "heat_maps": lambda: plots.heat_maps([np.eye(4), 1 - np.eye(4)], ["A", "B"], [(0, 0), (1, 2)]),
    "spotlights": lambda: plots.spotlights(picture(90), [np.eye(4)], ["head 0"]),
    "photo_map": photo_map,
    "factor_strips": lambda: plots.factor_strips(
        {"light": pd.DataFrame({"0": [0.1, 0.4, 0.2], "1": [0.3, 0.5, 0.6]})}, ["0.2"]
    ),
    "score_by_turn": lambda: plots.score_by_turn(
        np.linspace(0, 180, 60), np.resize(GENUINE, 60), np.linspace(0.9, 0.7, 60)
    ),
    "recall_by_gallery_size": lambda: plots.recall_by_gallery_size(
        (np.array([2, 10, 50]), np.array([0.9, 0.6, 0.4])),
        tuple(np.array(x) for x in ([2, 50, 900], [0.9, 0.4, 0.2], [0.8, 0.3, 0.1], [1, 0.5, 0.3])),
        {"dogs": (500, 0.9)},
    ),
    "growth": lambda: plots.growth(
        np.array([10, 1_000, 100_000]),
        {"exact": np.array([1, 100, 10_000]), "HNSW": np.array([2, 4, 8])},
        {"memory": 500},
        ("photos", "ms"),
    ),
    "cost_curves": lambda: plots.cost_curves(
        np.linspace(0, 1, 20), {"1 : 1": np.linspace(1, 0.4, 20), "5 : 1": np.linspace(0.5, 2, 20)}
    ),
}


def texts(figure) -> list[str]:
    return [found for text in figure.findobj(Text) if (found := text.get_text())]


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.mpl_image_compare(baseline_dir="figures", tolerance=8, savefig_kwargs={"dpi": 50})
def test_figure(name):
    return FIGURES[name]()


@pytest.mark.mpl_image_compare(baseline_dir="figures", tolerance=8, savefig_kwargs={"dpi": 50})
def test_match_grid(tmp_path):
    return plots.match_grid(picture(5), matches(tmp_path), truth="pet 1", caption="model")


def test_figures_say_what_they_show(tmp_path):
    """A wrong sign, digit or name is too small for the comparison of pictures."""
    grid = plots.match_grid(picture(5), matches(tmp_path), truth="pet 1", caption="model")
    shown = [(axis.get_title(), axis.get_xlabel()) for axis in grid.axes]
    assert shown[0] == ("query", "pet 1")
    assert shown[1:] == [
        ("1.  0.90  ✓", "pet 1"),
        ("2.  0.80  ✗", "pet 0"),
        ("3.  0.70  ✓", "pet 1"),
    ]
    colours = [axis.title.get_color() for axis in grid.axes]
    assert colours[1] == colours[3] not in (colours[0], colours[2])  # a wrong one looks wrong
    assert strips().axes[-1].get_xlabel() == "score"
    named = plots.score_strips({"": np.array([0.5])}, across="IoU")
    assert named.axes[-1].get_xlabel() == "IoU"
    curves = {line.get_label(): line.get_ydata() for line in FIGURES["error_rates"]().axes[0].lines}
    assert np.array_equal(curves["FMR"], RATES.fmr[:-1])
    assert np.array_equal(curves["FNMR"], RATES.fnmr[:-1])
    for axis, scores in zip(strips().axes, (GENUINE, IMPOSTOR), strict=True):
        moments = f"$\\bar{{x}}$ = {np.mean(scores):.2f}\n$s$ = {np.std(scores):.2f}"
        assert axis.texts[1].get_text() == moments
    rows = matrix().axes[0].yaxis
    assert [label.get_text() for label in rows.get_ticklabels()] == ["a", "b", "c"]
    assert rows.get_ticklocs().tolist() == [1, 4, 7] and rows.get_inverted(), "from above"


def test_a_match_that_cannot_be_read_any_more_is_grey_and_the_query_is_refused(tmp_path):
    damaged, folder, whole = found = matches(tmp_path)
    damaged.path.write_bytes(whole.path.read_bytes()[:90])
    folder.path.unlink()
    folder.path.mkdir()
    _, *shown = (axis.images[0].get_array() for axis in plots.match_grid(picture(5), found).axes)
    assert [np.ptp(one) == 0 for one in shown] == [True, True, False]
    with pytest.raises(PhotoError, match="is damaged"):
        plots.match_grid(damaged.path, found)


def test_every_figure_is_compared():
    drawn = {name for name, one in vars(plots).items() if callable(one)}
    assert drawn == {*FIGURES, "match_grid", "name_model"}
    stored = {path.stem for path in (Path(__file__).parent / "figures").glob("*.png")}
    assert len(stored) == len(FIGURES) + 1


def test_figures_write_in_the_language_of_the_notebook(monkeypatch, tmp_path):
    draws = [*FIGURES.values(), lambda: plots.match_grid(picture(5), matches(tmp_path))]
    written = {lang: [] for lang in ("en", "pt")}
    for lang, words in written.items():
        monkeypatch.setenv("VITSIM_LANG", lang)
        for draw in draws:
            words += texts(draw())
    changed = {(en, pt) for en, pt in zip(*written.values(), strict=True) if en != pt}
    assert changed == set(PORTUGUESE.items()) - {("model", "modelo")}


def test_figures_of_what_a_model_made_name_it(monkeypatch):
    monkeypatch.setattr("vitsim.plots._base._named", {"model": ""})
    plots.name_model("google/vit_$1$")
    without = {"arrows", "growth", "interval_panels", "patch_grid", "photo_row"}
    for name, draw in FIGURES.items():
        assert ("model google/vit_$1$" in texts(draw())) == (name not in without), name
    monkeypatch.setenv("VITSIM_LANG", "pt")
    assert "modelo google/vit_$1$" in texts(strips())


def test_a_changed_figure_is_caught(tmp_path):
    from matplotlib.testing.compare import compare_images

    figure = FIGURES["roc"]()
    figure.savefig(tmp_path / "before.png", dpi=50)
    figure.axes[0].lines[1].set_linewidth(9)
    figure.savefig(tmp_path / "after.png", dpi=50)
    assert compare_images(tmp_path / "before.png", tmp_path / "after.png", tol=8) is not None
