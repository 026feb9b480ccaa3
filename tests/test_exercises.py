"""An answer gets a helpful word, in the language of the notebook's folder."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from vitsim.exercises import check, language


@pytest.fixture(autouse=True)
def no_language(monkeypatch, tmp_path):
    monkeypatch.delenv("VITSIM_LANG", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.chdir(tmp_path)


def said(capsys, *args, **words) -> str:
    check(*args, **words)
    return capsys.readouterr().out


ODD = {"graph": torch.ones(2, requires_grad=True), "huge": 10**400, "function": print, "dict": {}}


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
def test_whatever_a_reader_hands_in_gets_a_word(capsys, answer):
    assert "✗ Not yet. Look again." in said(capsys, answer, [1, 1], en="Look again.")


def test_the_folder_tells_the_language(monkeypatch, tmp_path):
    assert language() is None
    (tmp_path / "pt").mkdir()
    monkeypatch.chdir(tmp_path / "pt")
    assert language() == "pt"


def test_jupyter_tells_the_language_by_the_notebook(monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "/somewhere/notebooks/en/01_preprocessing.ipynb")
    assert language() == "en"
    monkeypatch.setenv("VITSIM_LANG", "pt_BR")
    assert language() == "pt"


def test_where_nothing_tells_both_are_said(capsys):
    lines = said(capsys, 1, 2, en="Count again.", pt="Conte de novo.").splitlines()
    assert lines == ["✗ Not yet. Count again.", "✗ Ainda não. Conte de novo."]


@pytest.mark.parametrize("answer", [None, ...])
def test_no_answer_yet_is_not_a_wrong_answer(capsys, answer):
    so_far = "None" if answer is None else "..."
    assert f"… Your answer goes here. (So far: {so_far}.)" in said(capsys, answer, 3, en="Count.")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (3, 3.0),
        (0.333, 1 / 3),
        ([1, 2], np.array([1, 2])),
        (" B ", "b"),
        (True, np.bool_(True)),
        (Image.new("RGB", (4, 4), "red"), Image.new("RGBA", (4, 4), "red")),
    ],
)
def test_right_answers(capsys, answer, expected):
    assert said(capsys, answer, expected, en="no").startswith("✓ Right.")


@pytest.mark.parametrize(
    ("answer", "expected", "word"),
    [
        (4, 3, "Look."),
        ("a", "b", "Look."),
        (3, "b", "Look."),
        ("three", 3, "A number, without quotes"),
        ("75%", 0.75, "A number, without quotes"),
        (75, 0.75, "A share, from 0 to 1"),
        (0.345, 1 / 3, "Look.\n"),
        ("x", [1, 2], "Expected: list; this is str."),
        ((9, 633, 792), 9_633_792, "Large numbers without commas"),
        ((9, 633), 9_633, "Large numbers without commas"),
        ([1, 2, 3], [1, 2], "(3,) ≠ (2,)"),
        ((0, 16), 0.16, "Write a point: 1.5"),
        (stats.pearsonr([1, 2, 3], [1, 2, 4]), 1.0, "Look. (Shapes: (2,) ≠ ().)"),
        (float("nan"), 1.0, "Look."),
        (object(), 1.0, "this is object"),
        (["dog_001"], [True], "Look.\n"),
        (Image.new("RGB", (4, 5)), Image.new("RGB", (4, 4)), "(5, 4, 3) ≠ (4, 4, 3)"),
    ],
)
def test_wrong_answers_get_a_helpful_word(capsys, answer, expected, word):
    text = said(capsys, answer, expected, en="Look.", pt="Veja.")
    assert text.startswith("✗ Not yet. Look.") and word in text and "Veja." in text
