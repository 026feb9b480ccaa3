"""The demo page in a real browser, as people use it; `make browser` runs this (needs Chromium).

Upload, matches, both languages, a phone, the keyboard alone, two people at once, and no request
to any other machine.
"""

import sys
from pathlib import Path

import gradio
import pytest
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from build_slides import chromium

from vitsim import app, datasets
from vitsim.files import data_folder
from vitsim.gallery import Gallery

PETS = data_folder() / "pets" / "photos"
PHOTO, OTHER = PETS / "dog_020" / "dog_020_05.jpg", PETS / "cat_001" / "cat_001_06.jpg"
WAIT = 120_000  # milliseconds; the machine may be busy


@pytest.fixture(scope="module")
def address():
    gallery = Gallery.open(data_folder() / datasets.SHIPPED_GALLERY)
    yield app.serve(gallery, [PHOTO, OTHER], inbrowser=False)
    gradio.close_all()


@pytest.fixture(scope="module")
def browser(address):
    with sync_playwright() as play:
        chrome = play.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield chrome
        chrome.close()


@pytest.fixture
def visit(browser, address):
    """Open the page as another person: `visit(locale, width)` → the page."""
    asked, opened = [], []

    def open_page(locale: str = "en-US", width: int = 1280) -> Page:
        context = browser.new_context(locale=locale, viewport={"width": width, "height": 800})
        opened.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.wait_for_selector("input[type=file]", state="attached", timeout=WAIT)
        return page

    yield open_page
    for context in opened:
        context.close()
    away = {url for url in asked if not url.startswith((address, "data:", "blob:"))}
    assert not {url for url in away if not url.startswith(address.replace("http", "ws"))}


def said(page: Page, word: str) -> str:
    page.wait_for_function(
        "word => document.querySelector('#surety')?.innerText.includes(word)",
        arg=word, timeout=WAIT,
    )  # fmt: skip
    return page.inner_text("#surety")


def captions(page: Page) -> list[str]:
    return page.locator(".caption-label").all_inner_texts()


@pytest.mark.parametrize(
    ("locale", "title", "score"),
    [("en-US", "Is it the same one?", "Best score"), ("pt-BR", "É o mesmo animal?", "Melhor")],
)
def test_an_upload_is_answered_in_the_browsers_language(visit, locale, title, score):
    page = visit(locale)
    page.set_input_files("input[type=file]", PHOTO)
    said(page, score)
    assert title in page.inner_text("h1")
    page.wait_for_selector(".caption-label", timeout=WAIT)
    found = captions(page)
    assert len(found) == app.MATCHES and found[0].startswith("1. ")


def test_it_fits_a_phone(visit):
    page = visit(width=390)
    page.set_input_files("input[type=file]", PHOTO)
    said(page, "Best score")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_examples_are_seen_and_answered_by_the_keyboard_alone(visit):
    page = visit()
    page.wait_for_function(
        "[...document.querySelectorAll('button img')].filter(i => i.naturalWidth).length >= 2",
        timeout=WAIT,
    )
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("!!document.activeElement.querySelector?.('img')"):
            break
    else:
        raise AssertionError("no example is reached by Tab")
    page.keyboard.press("Enter")
    said(page, "Best score")


def test_a_text_named_jpg_gets_a_sentence(visit, tmp_path):
    (tmp_path / "letter.jpg").write_text("Dear all")
    page = visit()
    page.set_input_files("input[type=file]", tmp_path / "letter.jpg")
    assert "letter.jpg" in said(page, "not a picture")


def test_two_people_at_once_each_get_their_own(visit):
    first, second = visit(), visit("pt-BR")
    first.set_input_files("input[type=file]", PHOTO)
    second.set_input_files("input[type=file]", OTHER)
    assert "Best score" in said(first, "Best score")
    assert "Melhor escore" in said(second, "Melhor escore")
    for page in (first, second):
        page.wait_for_selector(".caption-label", timeout=WAIT)
    assert captions(first) != captions(second)
