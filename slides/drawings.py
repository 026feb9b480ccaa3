"""The drawn diagrams of the slides, as SVG, with words in the language of the slides."""

from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from vitsim.plots._base import BLUE, INK, ORANGE

matplotlib.rcParams["svg.hashsalt"] = "vitsim"  # the same bytes every time
PALE_BLUE, PALE_ORANGE, GREY = "#DCEBF4", "#FBE5D6", "#F0F0F0"
WORDS = {
    "en": {
        "pipeline": ["photo", "mask", "cut-out", "ViT", "vector", "cosine", "ranking"],
        "lessons": ["01", "01", "01", "02", "02", "03", "04"],
        "what": "what",
        "where": "where",
        "photo": "photo",
        "bridges": "bridges",
        "cnn": ["photo", "edges", "textures", "parts", "wholes"],
        "tokens": ["the", "dog", "swam", "home"],
        "sentence": "“the dog swam home”",
        "bank": ["the river bank was flooded", "the bank lent him money"],
        "weights": [[0.04, 0.5, 0.2, 0.04, 0.22], [0.05, 0.22, 0.2, 0.08, 0.45]],
        "at": [2, 1],
        "drawn": "weights chosen by hand",
        "vit": ["patches", "projection", "positions", "attention", "MLP", "embedding"],
        "times": "× 12 blocks",
        "second": "2012, 2nd",
        "point": ".",
    },
    "pt": {
        "pipeline": ["foto", "máscara", "recorte", "ViT", "vetor", "cosseno", "ordenação"],
        "lessons": ["01", "01", "01", "02", "02", "03", "04"],
        "what": "o quê",
        "where": "onde",
        "photo": "foto",
        "bridges": "pontes",
        "cnn": ["foto", "bordas", "texturas", "partes", "o todo"],
        "tokens": ["o", "cão", "voltou", "nadando"],
        "sentence": "“o cão voltou nadando”",
        "bank": ["sentou no banco da praça", "o banco emprestou o dinheiro"],
        "weights": [[0.25, 0.04, 0.2, 0.05, 0.46], [0.04, 0.2, 0.26, 0.05, 0.45]],
        "at": [2, 1],
        "drawn": "pesos escolhidos à mão",
        "vit": ["patches", "projeção", "posições", "atenção", "MLP", "embedding"],
        "times": "× 12 blocos",
        "second": "2012, 2º",
        "point": ",",
    },
}  # fmt: skip


def _canvas(width: float, height: float):
    """Axes in inches without a frame."""
    figure = Figure(figsize=(width, height))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    axis.set_axis_off()
    return figure, axis


def _box(axis, x, y, width, height, text="", face=PALE_BLUE, edge=BLUE, size=22):
    shape = FancyBboxPatch(
        (x, y), width, height, boxstyle="round,pad=0,rounding_size=0.12", fc=face, ec=edge, lw=2.5
    )
    axis.add_patch(shape)
    axis.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=size,
              color=INK)  # fmt: skip


def _arrow(axis, start, end, colour=INK, curve=0.0, style="-|>"):
    arrow = {"arrowstyle": style, "lw": 2.5, "color": colour, "mutation_scale": 22}
    arrow |= {"shrinkA": 3, "shrinkB": 3, "connectionstyle": f"arc3,rad={curve}"}
    axis.annotate("", end, start, arrowprops=arrow)


def pipeline(words: dict) -> Figure:
    """Photo to ranking in two rows, each step with the number of its lesson."""
    figure, axis = _canvas(12, 5.2)
    places = [(0.3 + 3.0 * i, 3.2) for i in range(4)] + [(7.8 - 3.0 * i, 0.55) for i in range(3)]
    for (x, y), name, lesson in zip(places, words["pipeline"], words["lessons"], strict=True):
        learnt = name in ("ViT", words["pipeline"][1])
        _box(axis, x, y, 2.3, 1.3, name, PALE_ORANGE if learnt else PALE_BLUE,
             ORANGE if learnt else BLUE, 27)  # fmt: skip
        axis.text(x + 1.15, y - 0.34, lesson, ha="center", fontsize=20, color="#4d4d4d")
    for (x, y), (to_x, to_y) in pairwise(places):
        if y == to_y:
            ahead = 1 if to_x > x else -1
            side = x + (2.3 if ahead > 0 else 0)
            _arrow(axis, (side, y + 0.65), (to_x + (0 if ahead > 0 else 2.3), y + 0.65))
        else:
            _arrow(axis, (x + 1.6, y - 0.02), (to_x + 2.3, to_y + 0.65), curve=-0.35)
    return figure


def u2net(words: dict) -> Figure:
    """Blocks down and up a U, bridges between them; each block holds a small U."""
    figure, axis = _canvas(12, 5)
    sides = [(0.9, 3.6, 2.0, 1.1), (2.3, 2.1, 1.7, 0.95), (3.8, 0.7, 1.4, 0.8)]
    for x, y, width, height in sides:
        for left in (x, 12 - x - width):
            _box(axis, left, y, width, height)
            u = np.linspace(0, 1, 40)
            axis.plot(left + width * (0.3 + 0.4 * u), y + height * (0.25 + 2.0 * (u - 0.5) ** 2),
                      color=INK, lw=3)  # fmt: skip
        _arrow(axis, (x + width, y + height / 2), (12 - x - width, y + height / 2), ORANGE)
    for (x, y, w, _), (to_x, to_y, to_w, to_h) in pairwise(sides):
        _arrow(axis, (x + w / 2, y), (to_x + to_w / 2, to_y + to_h))
        _arrow(axis, (12 - to_x - to_w / 2, to_y + to_h), (12 - x - w / 2, y))
    axis.text(6, 0.35, words["what"], ha="center", fontsize=27, color=INK, fontweight="bold")
    axis.text(6, 4.4, f"{words['where']} ({words['bridges']})", ha="center", fontsize=27,
              color=ORANGE, fontweight="bold")  # fmt: skip
    return figure


def cnn(words: dict) -> Figure:
    """A window on a photo, then ever smaller and deeper maps."""
    figure, axis = _canvas(12, 4.6)
    sizes, depths = [2.7, 2.0, 1.45, 1.0, 0.6], [1, 3, 5, 7, 9]
    x = 0.3
    for i, (size, depth, name) in enumerate(zip(sizes, depths, words["cnn"], strict=True)):
        y = 2.45 - size / 2
        for k in range(depth):
            face = GREY if i == 0 else PALE_BLUE
            corner = (x + 0.1 * k, y + 0.06 * k)
            axis.add_patch(Rectangle(corner, size, size, fc=face, ec=BLUE, lw=1.6))
        spot = 0.24 * size
        corner = (x + 0.1 * (depth - 1) + 0.5 * size, y + 0.06 * (depth - 1) + 0.45 * size)
        if i < 4:
            axis.add_patch(Rectangle(corner, spot, spot, fc="none", ec=ORANGE, lw=3.5))
        end = x + 0.1 * (depth - 1) + size
        axis.text((x + end) / 2, 0.35, name, ha="center", fontsize=24, color=INK)
        if i < 4:
            _arrow(axis, (corner[0] + spot, corner[1] + spot / 2), (end + 0.45, 2.5), ORANGE)
        x = end + 0.45
    return figure


def tokens(words: dict) -> Figure:
    """A sentence, its tokens, and for each a row of numbers (seeded, for show)."""
    figure, axis = _canvas(12, 4.8)
    axis.text(6, 4.25, words["sentence"], ha="center", fontsize=30, color=INK)
    rows = np.random.default_rng(3).uniform(-1, 1, (4, 5))
    for i, (word, row) in enumerate(zip(words["tokens"], rows, strict=True)):
        x = 0.4 + 2.9 * i
        _box(axis, x, 2.7, 2.4, 0.85, word, size=27)
        _arrow(axis, (x + 1.2, 2.7), (x + 1.2, 2.1))
        for k, value in enumerate(row):
            shade = matplotlib.colormaps["cividis"]((value + 1) / 2)
            axis.add_patch(Rectangle((x + 0.48 * k, 1.2), 0.48, 0.85, fc=shade, ec="white", lw=2))
        axis.text(x + 1.2, 0.55, " ".join(f"{v:z.1f}".replace("-", "−") for v in row[:3]) + " …",
                  ha="center", fontsize=20, color=INK)  # fmt: skip
    return figure


def bank(words: dict) -> Figure:
    """Two sentences; lines to one word, as thick as its attention to the others."""
    figure, axis = _canvas(12, 5.2)
    for row, (sentence, weights, at) in enumerate(
        zip(words["bank"], words["weights"], words["at"], strict=True)
    ):
        y = 3.1 - 2.55 * row
        xs = [0.25 + 2.35 * i for i in range(5)]
        for i, (x, word, weight) in enumerate(zip(xs, sentence.split(), weights, strict=True)):
            me = i == at
            _box(axis, x, y, 2.1, 0.85, word, PALE_ORANGE if me else PALE_BLUE,
                 ORANGE if me else BLUE, 25)  # fmt: skip
            if not me:
                bend = -0.3 if i < at else 0.3
                line = {"arrowstyle": "-", "lw": 24 * weight, "color": ORANGE, "alpha": 0.65}
                line |= {"connectionstyle": f"arc3,rad={bend}", "shrinkA": 0, "shrinkB": 0}
                axis.annotate("", (xs[at] + 1.05, y + 0.87), (x + 1.05, y + 0.87), arrowprops=line)
    axis.text(11.9, 0.08, words["drawn"], ha="right", fontsize=20, color="#4d4d4d")
    return figure


def vit(words: dict) -> Figure:
    """From patches to the embedding, with the residual block in the middle."""
    patches, projection, positions, attention, mlp, embedding = words["vit"]
    figure, axis = _canvas(12, 5.4)
    for i in range(3):
        for k in range(3):
            corner = (0.3 + 0.55 * k, 2.2 + 0.55 * i)
            axis.add_patch(Rectangle(corner, 0.46, 0.46, fc=PALE_BLUE, ec=BLUE, lw=2))
    axis.text(1.1, 1.6, patches, ha="center", fontsize=23, style="italic", color=INK)
    _arrow(axis, (2.0, 3.0), (2.6, 3.0))
    _box(axis, 2.6, 2.5, 2.0, 1.0, projection, size=23)
    axis.text(3.6, 1.6, "+ " + positions, ha="center", fontsize=23, color=INK)
    _box(axis, 2.95, 4.05, 1.3, 0.8, "CLS", PALE_ORANGE, ORANGE, 23)
    _arrow(axis, (4.6, 3.0), (5.2, 3.0))
    _arrow(axis, (4.25, 4.45), (5.2, 3.5), ORANGE)
    _box(axis, 5.2, 0.9, 3.9, 4.1, face=GREY, edge=INK)
    _box(axis, 5.7, 3.25, 2.9, 0.95, attention, size=24)
    _box(axis, 5.7, 1.75, 2.9, 0.95, mlp, size=24)
    _arrow(axis, (7.15, 3.25), (7.15, 2.7))
    for y in (3.72, 2.22):
        axis.text(8.83, y, "+", ha="center", va="center", fontsize=30, color=ORANGE)
    axis.text(7.15, 1.2, words["times"], ha="center", fontsize=23, color=INK)
    _arrow(axis, (9.1, 3.0), (9.7, 3.0), ORANGE)
    heights = np.random.default_rng(1).uniform(-1, 1, 9)
    for i, value in enumerate(heights):
        shade = matplotlib.colormaps["cividis"]((value + 1) / 2)
        axis.add_patch(Rectangle((10.4, 1.75 + 0.28 * i), 0.6, 0.28, fc=shade, ec="white", lw=1))
    axis.text(10.7, 1.1, embedding, ha="center", fontsize=23, style="italic", color=INK)
    return figure


def imagenet(words: dict) -> Figure:
    """Top-5 errors on ImageNet: Krizhevsky et al. 2012, Hu et al. 2017 (arXiv 1709.01507)."""
    figure = Figure(figsize=(12, 4.2), layout="constrained")
    axis = figure.subplots()
    names, errors = [words["second"], "2012 AlexNet", "2017 SENet"], [26.2, 16.4, 2.3]
    bars = axis.barh(names[::-1], errors[::-1], color=[ORANGE, BLUE, "#9A9A9A"], height=0.62)
    told = [f"{error} %".replace(".", words["point"]) for error in errors[::-1]]
    axis.bar_label(bars, told, padding=8, fontsize=25, color=INK)
    axis.tick_params(labelsize=25, length=0)
    axis.xaxis.set_visible(False)
    axis.spines[:].set_visible(False)
    axis.set_xlim(0, 30)
    return figure


def draw_all(lang: str, folder: Path) -> None:
    """Write every diagram of one language into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for draw in (pipeline, u2net, cnn, tokens, bank, vit, imagenet):
        figure = draw(WORDS[lang])
        figure.savefig(folder / f"{draw.__name__}.svg", metadata={"Date": None})
