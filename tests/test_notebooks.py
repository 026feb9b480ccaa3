"""The lessons are in order, and the nets that guard them catch what they should.

What the cells print and draw is compared by nbval (see conftest.py in the root), not here.
"""

import base64
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from build_notebooks import ROOT, Lesson, build, lessons
from check_notebooks import all_problems
from notebook_figures import TOLERANCE, difference, pictures, slim
from PIL import Image, ImageDraw

LESSONS = lessons(ROOT / "notebooks")
EXERCISE = """
# %% tags=["exercise"]
answer = None
check(answer, {n}, en="Count again.", pt="Conte de novo.")

# %% [markdown] lang="en"
# <details><summary>Hint</summary>{n}</details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>{n}</details>

# %% tags=["solution"] cellView="form" jupyter={{"source_hidden": true, "outputs_hidden": true}}
check({n}, {n})
"""
TINY = """# ---
# jupyter:
#   vitsim: {pt: 00_ola}
# ---

# %% [markdown] lang="en"
# # Hello

# %% [markdown] lang="pt"
# # Olá

# %%
import numpy as np
from PIL import Image
from vitsim import plots
from vitsim.exercises import check
# %matplotlib inline
print(f"{3.14159:.2f}")

# %%
plots.photo_row([Image.fromarray(np.uint8(np.mgrid[:99, :99][0]))], ["0.81"])
""" + "".join(EXERCISE.format(n=n) for n in (1, 2, 3))


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder like `notebooks/` with one small lesson, built."""
    folder = tmp_path_factory.mktemp("lessons") / "notebooks"
    (folder / "source").mkdir(parents=True)
    (folder / "source" / "00_hello.py").write_text(TINY, encoding="utf-8")
    for lang in ("en", "pt"):
        build(Lesson.read(folder / "source" / "00_hello.py"), lang)
    return folder


@pytest.fixture
def lesson(built, tmp_path) -> Lesson:
    """The small lesson in a copy that a test may spoil."""
    shutil.copytree(built, tmp_path / "notebooks")
    return Lesson.read(tmp_path / "notebooks" / "source" / "00_hello.py")


def spoil(lesson: Lesson, lang: str, change) -> None:
    """Apply `change(cells)` to a stored notebook."""
    notebook = nbformat.read(lesson.path(lang), as_version=4)
    change(notebook.cells)
    lesson.path(lang).write_text(nbformat.writes(notebook), encoding="utf-8")


def figure_data(notebook_cells) -> dict:
    (output,) = notebook_cells[2].outputs
    return output.data


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda one: one.source.stem)
def test_every_lesson_is_in_order(lesson):
    problems = all_problems(lesson)
    assert not problems, "\n" + "\n".join(problems)
    for lang in ("en", "pt"):
        nbformat.validate(nbformat.read(lesson.path(lang), as_version=4))


def test_the_small_lesson_is_in_order(lesson):
    assert all_problems(lesson) == []


def test_a_rebuild_without_a_change_gives_the_same_bytes(lesson):
    before = {lang: lesson.path(lang).read_bytes() for lang in ("en", "pt")}
    lesson.path("en").unlink()  # so that its figures are drawn anew, not kept
    assert "written" in build(lesson, "en")
    assert "no change" in build(lesson, "pt")
    assert {lang: lesson.path(lang).read_bytes() for lang in before} == before


def test_feedback_speaks_the_language_of_the_folder(lesson):
    for lang, words in (("en", "Your answer"), ("pt", "Sua resposta")):
        cells = nbformat.read(lesson.path(lang), as_version=4).cells
        assert cells[3].outputs[0].text.startswith(f"… {words}")
        assert cells[3].outputs[0].text.count("\n") == 1


def blank(cells):
    data = figure_data(cells)
    picture = Image.new("RGB", (600, 300), "white")
    data["image/png"] = encoded(picture)
    data.pop("image/jpeg", None)


def encoded(picture: Image.Image) -> str:
    from io import BytesIO

    file = BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def many_cells(cells):
    cells += [nbformat.v4.new_code_cell("1") for _ in range(31)]


SPOILT = {
    "another language": (lambda cells: cells[0].update(source="# Adeus"), "cell 1: not as in"),
    "missing cell": (lambda cells: cells.pop(), "its source 12"),
    "other code": (lambda cells: cells[1].update(source="1"), "hold different code"),
    "not run": (lambda cells: cells[2].update(execution_count=None), "cell 3 was not run"),
    "no output": (lambda cells: cells[2].update(outputs=[]), "cell 3 shows nothing"),
    "two cells exempt from nbval": (
        lambda cells: [cells[n].metadata.update(tags=["nbval-ignore-output"]) for n in (1, 2)],
        "cell 3: one cell may be",
    ),
    "lax cell": (
        lambda cells: cells[2].update(source="# NBVAL_SKIP\n1"),
        "cell 3: remove the mark",
    ),
    "error": (
        lambda cells: cells[2].outputs.append(nbformat.v4.new_output("error", ename="ValueError")),
        "cell 3 stores an error",
    ),
    "warning": (lambda cells: cells[1].outputs[0].update(name="stderr"), "cell 2 prints to stderr"),
    "address": (
        lambda cells: cells[1].outputs[0].update(text="<object at 0x7f5e7bb8d0>"),
        "cell 2 prints '0x7f5e7bb8d0'",
    ),
    "link": (lambda cells: cells[0].update(source="[go](no.md)"), "links to 'no.md'"),
    "image": (lambda cells: cells[0].update(source='<img src="no.png">'), "links to 'no.png'"),
    "anchor": (lambda cells: cells[0].update(source="[go](#Nowhere)"), "links to '#Nowhere'"),
    "address of a page": (
        lambda cells: cells[0].update(source="[go](https:/example.org)"),
        "links to 'https:/example.org'",
    ),
    "long cell": (lambda cells: cells[1].update(source="1\n" * 16), "cell 2 has 16 lines"),
    "long heading": (
        lambda cells: cells[0].update(source="# Olá " + 12 * "palavra "),
        "cell 1 has a long heading",
    ),
    "many cells": (many_cells, "39 code cells: at most 30"),
    "many words": (lambda cells: cells[0].update(source="word " * 1300), "13"),
    "large file": (
        lambda cells: cells[1].outputs[0].update(text="x" * 2_100_000),
        "2.1 MB: at most",
    ),
    "solution not run": (lambda cells: cells[5].outputs.clear(), "cell 6: the solution must run"),
    "wrong solution": (
        lambda cells: cells[5].outputs[0].update(text="✗ Not yet."),
        "cell 6: the solution must run",
    ),
    "open solution": (lambda cells: cells[5].metadata.pop("jupyter"), "cell 6: fold the solution"),
    "name of a solution": (
        lambda cells: [
            cells[n].update(source=line) for n, line in ((5, "own = 1"), (6, "print(own)"))
        ],
        "cell 7 needs `own` of a folded solution",
    ),
    "no hint": (lambda cells: cells[4].update(source="Think."), "cell 6: put a folded hint"),
    "two exercises": (
        lambda cells: [cells[n].metadata.pop("tags") for n in (3, 5)],
        "2 cells tagged `exercise`",
    ),
    "solved starter": (
        lambda cells: cells[3].outputs[0].update(text="✓ Right."),
        "cell 4: end a starter",
    ),
    "blank figure": (blank, "cell 3 stores a blank figure"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_the_net_catches(lesson, what):
    change, message = SPOILT[what]
    spoil(lesson, "pt", change)
    problems = [line for line in all_problems(lesson) if message in line]
    assert problems, all_problems(lesson)
    assert any("pt/00_ola.ipynb" in line for line in problems)


@pytest.mark.parametrize("lang", ["en", "pt"])
def test_the_net_catches_a_cell_without_its_twin(lesson, lang):
    cell = f'# %% [markdown] lang="{lang}"\n# Alone\n\n'
    lesson.source.write_text(TINY + "\n" + cell, encoding="utf-8")
    (problem,) = all_problems(lesson)
    other = {"en": "pt", "pt": "en"}[lang]
    assert problem.startswith("00_hello.py, cell 17: add its twin") and f'"{other}"' in problem


def test_the_net_catches_a_source_that_was_not_built(lesson):
    lesson.source.write_text(TINY.replace("3.14159", "2.71828"), encoding="utf-8")
    stale = [line for line in all_problems(lesson) if "cell 2: not as in 00_hello.py" in line]
    assert [line[:2] for line in stale] == ["en", "pt"]
    assert all("make notebooks" in line for line in stale)


def test_the_net_catches_a_missing_notebook(lesson):
    lesson.path("pt").unlink()
    assert any("pt/00_ola.ipynb is missing" in line for line in all_problems(lesson))


def nbval(lesson: Lesson) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-c", "pyproject.toml"]
    command += ["-q", "--color=no", "--no-header", str(lesson.path("pt"))]
    outer = {key: os.environ[key] for key in os.environ if not key.startswith("PYTEST_")}
    return subprocess.run(command, cwd=ROOT, env=outer, capture_output=True, text=True).stdout


def test_nbval_catches_a_number_and_a_figure_and_nothing_else(lesson):
    def change(cells):
        cells[1].outputs[0].text = cells[1].outputs[0].text.replace("3.14", "3.15")
        data = figure_data(cells)
        (picture,) = pictures(cells[2].outputs)
        ImageDraw.Draw(picture).line((40, 80, 200, 80), fill="white", width=2)
        for kind in ("image/png", "image/jpeg"):
            if kind in data:
                data[kind] = encoded(picture)

    spoil(lesson, "pt", change)
    report = nbval(lesson)
    assert "2 failed, 6 passed" in report
    assert "3.15" in report and "The figures changed" in report


def test_another_digit_in_a_title_is_another_figure():
    from io import BytesIO

    from vitsim import plots

    def drawn(title):
        file = BytesIO()
        photo = Image.fromarray(np.uint8(np.mgrid[:99, :99][0]))
        plots.photo_row([photo] * 3, [title] * 3).savefig(file, dpi=100)
        return Image.open(file).convert("RGB")

    assert difference(drawn("0.81"), drawn("0.81")) == 0
    assert difference(drawn("0.81"), drawn("0.82")) > TOLERANCE
    assert difference(drawn("0.81"), drawn("0.81").resize((300, 300))) == 255


def test_photographs_are_stored_as_jpeg_and_look_the_same():
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 255, (30, 40, 3), dtype=np.uint8))
    photo = small.resize((800, 600), Image.Resampling.BICUBIC)
    stored = slim({"image/png": encoded(photo), "text/plain": "<Figure>"})
    assert set(stored) == {"image/jpeg", "text/plain"}
    (picture,) = pictures([{"data": stored}])
    assert difference(photo, picture) <= TOLERANCE
    assert len(stored["image/jpeg"]) < 0.6 * len(encoded(photo))
