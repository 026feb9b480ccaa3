"""Look at every built slide in a browser, and say what a room could not read.

    python tools/check_slides.py                     build/slides, both languages
    python tools/check_slides.py --shots build/shots also a PNG of every slide

At 1920 × 1080 and at 1024 × 768: nothing leaves the slide or covers something else, text is at
least 24 pixels high, contrast is at least 4.5 : 1 (WCAG 2.2, 1.4.3), every picture has alternative
text, every slide has notes, and no request leaves this machine. Exit code 1 if anything is wrong.
"""

import argparse
import sys
from pathlib import Path

from build_slides import LANGUAGES, ROOT, chromium
from playwright.sync_api import Page, sync_playwright

SIZES = ((1920, 1080), (1024, 768))
LIMITS = {"leastText": 24, "leastContrast": 4.5, "slack": 2}  # pixels, ratio, pixels
MEASURE = (Path(__file__).parent / "check_slides.js").read_text(encoding="utf-8")


def look(tab: Page, lang: str, size: tuple[int, int], shots: Path | None) -> list[str]:
    """Go through the slides of the open page; the problems, a line each."""
    problems, number = [], 0
    while True:
        number += 1
        tab.wait_for_timeout(60)
        here = f"{lang}, slide {number} at {size[0]} × {size[1]}"
        problems += [f"{here}: {line}" for line in tab.evaluate(MEASURE, LIMITS)]
        if shots:
            shots.mkdir(parents=True, exist_ok=True)
            tab.screenshot(path=shots / f"{lang}_{size[0]}_{number:02d}.png")
        if tab.evaluate("Reveal.isLastSlide()"):
            return problems
        tab.evaluate("Reveal.next()")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slides", type=Path, default=ROOT / "build" / "slides")
    parser.add_argument("--shots", type=Path, help="folder for a PNG of every slide")
    options = parser.parse_args()
    problems: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        for lang in LANGUAGES:
            for size in SIZES:
                tab = browser.new_page(viewport={"width": size[0], "height": size[1]})
                asked: list[str] = []
                tab.on("request", lambda request, asked=asked: asked.append(request.url))
                tab.goto((options.slides / lang / "index.html").resolve().as_uri())
                tab.wait_for_function("window.Reveal && Reveal.isReady()")
                problems += look(tab, lang, size, options.shots)
                away = {url for url in asked if not url.startswith(("file:", "data:", "blob:"))}
                problems += [f"{lang}: asks another machine for {url}" for url in sorted(away)]
                tab.close()
        browser.close()
    print("\n".join(problems) or "every slide can be read")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
