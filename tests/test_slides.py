"""The slides: one talk in two languages, timed, and readable without a network."""

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

SLIDES = Path(__file__).parents[1] / "slides"
LANGUAGES = ("en", "pt")
PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<path>[^)]+)\)")


def slides(lang: str) -> list[str]:
    """The source of each slide, its title first."""
    text = (SLIDES / lang / "index.md").read_text(encoding="utf-8")
    return re.split(r"^(?=##? )", text, flags=re.M)[1:]


def pictures(slide: str) -> list[str]:
    """The files that a slide shows, whatever the language of its drawings."""
    return [re.sub(r"/(en|pt)/", "/", found["path"]) for found in PICTURE.finditer(slide)]


def test_both_languages_hold_the_same_slides():
    pairs = list(zip(slides("en"), slides("pt"), strict=True))
    for number, (en, pt) in enumerate(pairs, 1):
        for what in (
            r"^#+ ",
            r"^(?:- |\d\. )",
            r"^```(?!\w*\{?revealjs)",
            r"^\$\$",
            r"\{\{.+?\}\}",
        ):
            counts = [len(re.findall(what, slide, re.M)) for slide in (en, pt)]
            assert counts[0] == counts[1], f"slide {number}: {counts} of {what}"
        assert pictures(en) == pictures(pt), f"slide {number}"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_slide_has_notes_with_its_minutes_and_the_talk_lasts_fifty(lang):
    minutes = []
    for number, slide in enumerate(slides(lang), 1):
        notes = re.findall(r"^```\{revealjs-notes\}\n(\d+) min", slide, re.M)
        assert len(notes) == 1, f"{lang}, slide {number}: notes begin with the minutes"
        minutes.append(int(notes[0]))
    assert 45 <= sum(minutes) <= 55
    assert 40 <= len(minutes) <= 50


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_picture_says_what_it_shows(lang):
    found = [match for slide in slides(lang) for match in PICTURE.finditer(slide)]
    assert found and all(len(match["alt"]) > 15 for match in found)


class Addresses(HTMLParser):
    """What a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attributes) -> None:
        wanted = {"script": "src", "img": "src", "link": "href", "iframe": "src"}.get(tag)
        self.found += [value for name, value in attributes if name == wanted and value]


def test_the_slides_build_and_load_nothing_from_elsewhere(tmp_path):
    folder = tmp_path / "slides"
    shutil.copytree(SLIDES, folder, ignore=shutil.ignore_patterns("_figures"))
    names = {path for lang in LANGUAGES for slide in slides(lang) for path in pictures(slide)}
    for name in names:  # the figures themselves are drawn by `make slides`
        for lang in ("", "en", "pt"):
            path = folder / "_figures" / lang / Path(name).name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")
    text = "".join(slide for lang in LANGUAGES for slide in slides(lang))
    stated = set(re.findall(r"\{\{ (\w+) \}\}", text))
    assert stated
    numbers = dict.fromkeys(stated, "42")
    (folder / "_figures" / "numbers.json").write_text(json.dumps(numbers), encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-b", "revealjs", "-W", "-q", "-c", folder]
    for lang in LANGUAGES:
        out = tmp_path / "built" / lang
        made = subprocess.run([*command, folder / lang, out], capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        page = Addresses()
        page.feed((out / "index.html").read_text(encoding="utf-8"))
        assert len(page.found) > 20
        for address in page.found:
            assert not address.startswith(("http", "//")), address
            assert (out / address.split("?")[0]).is_file(), address
