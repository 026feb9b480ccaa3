"""Answers to the lessons' exercises, checked on the spot with a helpful word.

The code of a lesson is the same in every language, so an exercise hands both words to `check`,
and the notebook's own folder tells which one to say: `notebooks/pt` speaks Portuguese. Where the
folder does not tell, both are said, a line each, and figures are in English. `VITSIM_LANG`, which
the lessons set where they install vitsim, overrules.
"""

import os
from pathlib import Path

import numpy as np
from PIL import Image

LANGUAGES = ("en", "pt")
WORDS = {
    "right": ("✓ ", "Right.", "Certo."),
    "wrong": ("✗ ", "Not yet.", "Ainda não."),
    "waiting": ("… ", "Your answer goes here.", "Sua resposta entra aqui."),
}


def check(answer, expected, en: str = "", pt: str = "", tolerance: float = 0.005) -> None:
    """Say whether `answer` is `expected`; if it is not, add the helpful word `en` or `pt`.

    Numbers, arrays and pictures may differ by `tolerance`, texts in case and outer blanks.
    `None` and `...` are answers still to come. Never raises: "Run all" goes on.
    """
    if answer is None or answer is Ellipsis:
        so_far = "None" if answer is None else "..."
        return _say("waiting", f"(So far: {so_far}.)", f"(Por enquanto: {so_far}.)")
    mismatch = _mismatch(answer, expected, tolerance)
    if mismatch is None:
        return _say("right")
    return _say("wrong", f"{en} {mismatch[0]}".strip(), f"{pt} {mismatch[1]}".strip())


def language() -> str | None:
    """`en` or `pt`, by `VITSIM_LANG` or the notebook's folder; None where nothing tells."""
    asked = os.environ.get("VITSIM_LANG", "").lower()[:2]
    session = os.environ.get("JPY_SESSION_NAME", "")  # Jupyter: the path of the notebook
    for name in (asked, Path(session).parent.name, Path.cwd().name):
        if name in LANGUAGES:
            return name
    return None


def _say(verdict: str, en: str = "", pt: str = "") -> None:
    sign, *starts = WORDS[verdict]
    lines = dict(zip(LANGUAGES, zip(starts, (en, pt), strict=True), strict=True))
    chosen = [language()] if language() else LANGUAGES
    for lang in chosen:
        print(sign + " ".join(filter(None, lines[lang])))


def _mismatch(answer, expected, tolerance: float) -> tuple[str, str] | None:
    """What is wrong, in English and in Portuguese; None if nothing is."""
    if isinstance(expected, str):
        same = isinstance(answer, str) and answer.strip().casefold() == expected.casefold()
        return None if same else ("", "")
    try:
        mine, theirs = _numbers(answer), _numbers(expected)
    except Exception:  # whatever a reader hands in
        if isinstance(answer, str) and np.ndim(expected) == 0:
            return "(A number, without quotes or units.)", "(Um número, sem aspas nem unidade.)"
        kind, wanted = type(answer).__name__, type(expected).__name__
        if kind == wanted:  # a list of names where numbers are expected
            return "", ""
        return f"(Expected: {wanted}; this is {kind}.)", f"(Esperado: {wanted}; recebido: {kind}.)"
    if type(answer) is tuple and theirs.shape == ():
        if len(answer) > 2 or theirs >= 1000:
            return "(Large numbers without commas.)", "(Números grandes sem vírgulas.)"
        return "(Write a point: 1.5, not 1,5.)", "(Em Python, use ponto: 1.5, não 1,5.)"
    if theirs.shape == () and mine.size == 1:
        mine = mine.reshape(())  # as a table of one row and column
    if mine.shape != theirs.shape:
        shapes = f"{mine.shape} ≠ {theirs.shape}"
        return f"(Shapes: {shapes}.)", f"(Formatos: {shapes}.)"
    if np.allclose(mine, theirs, rtol=0, atol=tolerance):
        return None
    if theirs.shape == () and 0 < theirs < 1 < mine and abs(mine / 100 - theirs) <= tolerance:
        return "(A share, from 0 to 1, not per 100.)", "(Uma proporção, de 0 a 1, não por 100.)"
    return "", ""


def _numbers(value) -> np.ndarray:
    if isinstance(value, Image.Image):
        value = value.convert("RGB")
    return np.asarray(value, dtype=np.float64)
