"""Draw three good and three bad answers of `tiny` to queries of the shipped test pets.

    python tools/show_matches.py            writes data/models/tiny/matches.jpg, about 2 minutes

Photos are compared cut out by `cutout`, with all gallery photos, and shown whole. Left: the first
answer shows the right pet. Right: it shows another. Which of the right and of the wrong answers are
drawn is chance (seed 0), six different pets.
"""

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image

from vitsim import datasets
from vitsim import evaluation as ev
from vitsim.background import remove_background
from vitsim.encoder import Encoder
from vitsim.gallery import Match
from vitsim.images import open_photo
from vitsim.plots import match_grid

ROOT = Path(__file__).resolve().parents[1]
EACH, SHOWN, WIDTH = 3, 3, 640  # pixels across one answer


def drawn(query, gallery, scores: np.ndarray) -> Image.Image:
    """One query and its best matches, as a picture."""
    best = np.argsort(-scores, kind="stable")[:SHOWN]
    matches = [Match(i + 1, float(scores[at]), gallery.photo[at], gallery.pet[at])
               for i, at in enumerate(best)]  # fmt: skip
    file = io.BytesIO()
    match_grid(query.photo, matches, truth=query.pet).savefig(file, format="png")
    picture = Image.open(file).convert("RGB")
    return picture.resize((WIDTH, round(WIDTH * picture.height / picture.width)), Image.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "data/models/tiny/matches.jpg")
    args = parser.parse_args()
    gallery, queries = datasets.pets("gallery"), datasets.pets("query", "test")
    encoder = Encoder.load("tiny")
    shown, asked = (encoder.embed([remove_background(open_photo(p))[0] for p in t.photo])
                    for t in (gallery, queries))  # fmt: skip
    scores = asked @ shown.T
    right = ev.hits_at_k(scores, queries.pet, gallery.pet)
    order, seen, columns = np.random.default_rng(0).permutation(len(queries)), set(), []
    for wanted in (True, False):
        column = []
        for at in order:
            if right[at] == wanted and queries.pet[at] not in seen and len(column) < EACH:
                seen.add(queries.pet[at])
                column.append(drawn(queries.iloc[at], gallery, scores[at]))
        columns.append(column)
    height = columns[0][0].height
    sheet = Image.new("RGB", (2 * WIDTH, EACH * height), "white")
    for x, column in enumerate(columns):
        for y, picture in enumerate(column):
            sheet.paste(picture, (x * WIDTH, y * height))
    sheet.save(args.out, quality=82)
    print(f"{args.out.name}: {right.mean():.2f} of {len(queries)} queries are answered rightly")


if __name__ == "__main__":
    main()
