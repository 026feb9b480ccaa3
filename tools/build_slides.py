"""Build the slides: figures and numbers from the shipped data, then reveal.js in both languages.

    python tools/build_slides.py                 build/slides/en/index.html, and pt
    python tools/build_slides.py --keep-figures  the text alone has changed
    python tools/build_slides.py --handout       also a PDF of each, printed by Chromium

What is built opens from a folder, without a network.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SLIDES = ROOT / "slides"
LANGUAGES = ("en", "pt")


def build(lang: str, out: Path) -> Path:
    """Build one language into `out / lang`; its index.html. Raises CalledProcessError."""
    command = [sys.executable, "-m", "sphinx", "-b", "revealjs", "-c", SLIDES, "-W", "-q", "-E"]
    command += [
        "-D",
        f"language={'pt_BR' if lang == 'pt' else lang}",
        "-d",
        out / "doctrees" / lang,
    ]
    subprocess.run([*command, SLIDES / lang, out / lang], check=True)
    return out / lang / "index.html"


def chromium() -> str:
    """The path of Chromium or Chrome. Raises SystemExit where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(name):
            return path
    raise SystemExit("Chromium is needed for this: install it, for example `apt install chromium`.")


def hand_out(page: Path) -> Path:
    """Print the slides to a PDF beside the page, one a sheet."""
    from playwright.sync_api import sync_playwright

    pdf = page.parent / f"vitsim-{page.parent.name}.pdf"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        tab = browser.new_page()
        tab.goto(f"{page.as_uri()}?print-pdf")
        tab.wait_for_function("document.querySelectorAll('.pdf-page').length > 10")
        tab.pdf(path=pdf, prefer_css_page_size=True, print_background=True)
        browser.close()
    return pdf


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "slides")
    parser.add_argument("--keep-figures", action="store_true", help="do not draw them anew")
    parser.add_argument("--handout", action="store_true", help="also print PDFs")
    options = parser.parse_args()
    if not (options.keep_figures and (SLIDES / "_figures" / "numbers.json").is_file()):
        subprocess.run([sys.executable, SLIDES / "figures.py"], check=True)
    for lang in LANGUAGES:
        page = build(lang, options.out)
        print(page)
        if options.handout:
            print(hand_out(page))


if __name__ == "__main__":
    main()
