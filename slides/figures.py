"""The slides' figures, drawn from the shipped pets by the lessons' own functions.

Also `numbers.json`: every figure that a slide states, computed here and nowhere else.
"""

import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from drawings import draw_all
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from vitsim import datasets, plots, similarity
from vitsim import evaluation as ev
from vitsim.attention import rollout
from vitsim.background import cut_out, mask_of
from vitsim.encoder import Encoder
from vitsim.exercises import language
from vitsim.files import data_folder
from vitsim.gallery import Gallery, Match
from vitsim.images import fit, open_photo
from vitsim.parts import correspondences, patch_coverage, patch_parts
from vitsim.plots._base import ORANGE

FOLDER = Path(__file__).parent / "_figures"
MATCHED = "dog_002_08"  # the demo's query; the card of `tiny` says how often it is wrong


def photo(name: str) -> Image.Image:
    """A shipped photo by its name, such as cat_001_06."""
    return open_photo(data_folder() / "pets" / "photos" / name[:-3] / f"{name}.jpg")


def exact_cut(row, crop: bool = False) -> Image.Image:
    """The pet of a row of the table on grey, by its exact mask."""
    return cut_out(open_photo(row["photo"]), Image.open(row["mask"]).convert("L"), crop=crop)


@cache
def encoder() -> Encoder:
    """The shipped encoder."""
    return Encoder.load("tiny")


def of_one_pet(column: str, wanted: list[str], photos: pd.DataFrame) -> list[Image.Image]:
    """A photo for each wanted value of a recorded factor, of the first pet that has them all."""
    for _, own in photos.groupby("pet"):
        if set(wanted) <= set(own[column]):
            chosen = own.drop_duplicates(column).set_index(column).photo
            return [open_photo(chosen[value]) for value in wanted]
    raise LookupError(f"no pet has all of {', '.join(wanted)}")


def row(*photos: Image.Image, titles: list[str] | None = None) -> Figure:
    """Photos side by side."""
    return plots.photo_row(photos, titles or [""] * len(photos))


def match() -> Figure:
    """The demo's query with its matches in the shipped gallery."""
    return plots.match_grid(photo(MATCHED), found(), truth=MATCHED[:-3])


@cache
def found() -> list[Match]:
    """The demo's matches, best first."""
    gallery = Gallery.open(data_folder() / datasets.SHIPPED_GALLERY)
    return gallery.match(photo(MATCHED))


def asked() -> Figure:
    """The same photos with their scores, and no word of which are right."""
    photos = [photo(MATCHED), *(open_photo(match.path) for match in found())]
    return row(*photos, titles=["?", *(f"{match.score:.2f}" for match in found())])


def question() -> Figure:
    """Two photos of one cat and one of its litter-mate."""
    return row(photo("cat_001_06"), photo("cat_001_08"), photo("cat_002_07"), titles=list("ABC"))


def lights() -> Figure:
    """One pet in each light, sharp."""
    names = ["noon", "golden_hour", "overcast", "indoor_lamp", "flash_night"]
    return row(*of_one_pet("light", names, datasets.pets().query("quality == 'sharp'")))


def angles() -> Figure:
    """One pet from five sides."""
    photos = datasets.pets().query("pet == 'dog_007'").sort_values("azimuth_deg")
    chosen = photos.iloc[:: len(photos) // 5][:5]
    return row(*map(open_photo, chosen.photo), titles=[f"{a:.0f}°" for a in chosen.azimuth_deg])


def qualities() -> Figure:
    """One pet in each quality."""
    names = ["sharp", "motion_blur", "low_light_noise", "strong_jpeg", "small_upscaled"]
    return row(*of_one_pet("quality", names, datasets.pets()))


def mates() -> Figure:
    """Two pairs of litter-mates, each from nearly the same side."""
    return row(*map(photo, ("dog_001_02", "dog_002_00", "cat_001_09", "cat_002_00")))


def array() -> Figure:
    """A photo, a piece of it, and the piece's numbers."""
    whole, (left, top, side) = photo("cat_001_06"), (84, 150, 8)
    piece = whole.crop((left, top, left + side, top + side))
    figure = Figure(figsize=(12.4, 4.4), dpi=100, layout="constrained")
    for axis, shown in zip(figure.subplots(1, 3), (whole, piece, piece), strict=True):
        axis.imshow(shown)
        axis.set_axis_off()
    frame = {"fc": "none", "ec": ORANGE, "lw": 3}
    figure.axes[0].add_patch(Rectangle((left - 3, top - 3), side + 6, side + 6, **frame))
    red = np.asarray(piece)[..., 0]
    figure.axes[2].images[0].set_data(np.full((side, side, 3), 255))
    middle = {"ha": "center", "va": "center", "fontsize": 15}
    for (y, x), value in np.ndenumerate(red):
        figure.axes[2].text(x, y, value, **middle)
    return figure


def channels() -> Figure:
    """A photo and its channels."""
    whole = photo("cat_001_06")
    return row(whole, *whole.split(), titles=["RGB", "R", "G", "B"])


def fits() -> Figure:
    """A wide photo made square in three ways."""
    wide = open_photo(datasets.sample("cat"))
    squares = [fit(wide, 224, how) for how in ("squash", "crop", "letterbox")]
    return row(wide, *squares, titles=["", "squash", "crop", "letterbox"])


def cutout() -> Figure:
    """Photo, mask, and cut-out by the shipped network, also cropped."""
    whole = photo("dog_011_05")
    mask = mask_of(whole, "cutout")
    cuts = [cut_out(whole, mask), fit(cut_out(whole, mask, crop=True), 320)]
    return row(whole, mask, *cuts, titles=["", "0 … 1", "", ""])


def patches() -> Figure:
    """The 14 × 14 patches of a photo, a little apart."""
    pixels = np.asarray(fit(photo("cat_001_06"), 224))
    return plots.patch_grid(pixels.reshape(14, 16, 14, 16, 3).transpose(0, 2, 1, 3, 4))


def attended() -> Figure:
    """A photo, and the same in the light of its attention rollout."""
    shown = photo("cat_001_06")
    glow = rollout(encoder().attention(shown), encoder().grid)
    return plots.spotlights(shown, [glow], ["rollout"])


def parts() -> Figure:
    """Patches of one cat that choose a patch of it, and of another cat, seen from nearly there."""
    table = datasets.pets(split="dev")
    first = table[table.pet == "cat_022"].iloc[0]
    turn = np.abs((table.azimuth_deg - first.azimuth_deg + 180) % 360 - 180)
    near = table.assign(turn=turn).drop(index=first.name).sort_values("turn")
    names = ["cat_022", "cat_001"]
    views = [cropped(first), *(cropped(near[near.pet == name].iloc[0]) for name in names)]
    (one, tokens, mask, part), pairs, same = views[0], [], []
    for other, other_tokens, other_mask, other_part in views[1:]:
        joined = correspondences(tokens, other_tokens, mask, other_mask)
        pairs.append((one, other, joined))
        same.append(part[tuple(joined.a.T)] == other_part[tuple(joined.b.T)])
    titles = [f"{first.pet} {sign} {name}" for sign, name in zip("=≠", names, strict=True)]
    return plots.patch_lines(pairs, encoder().grid, titles, same)


def cropped(row) -> tuple[Image.Image, np.ndarray, np.ndarray, np.ndarray]:
    """A pet close to its edges: photo, tokens, which patches show it and which part of it."""
    mask, numbers = Image.open(row["mask"]), Image.open(row["parts"])
    box, grid = mask.getbbox(), encoder().grid
    photo = exact_cut(row).crop(box)
    covered = patch_coverage(mask.crop(box), grid) >= 0.5
    return photo, encoder().patch_tokens(photo), covered, patch_parts(numbers.crop(box), grid)


def arrows() -> Figure:
    """Two vectors and their angle."""
    a, b = np.array([4.0, 3.0]), np.array([1.0, 3.0])
    cosine = similarity.cosine_similarity(a, b)[0, 0]
    return plots.arrows([{"a": a, "b": b}], [f"cos θ = {cosine:.2f}"])


def three_angles() -> Figure:
    """Cosines of 1, 0 and −1."""
    a = np.array([4.0, 3.0])
    others = [0.5 * a, np.array([-2.1, 2.8]), -0.7 * a]
    cosines = [similarity.cosine_similarity(a, b)[0, 0] for b in others]
    return plots.arrows([{"a": a, "b": b} for b in others], [f"cos θ = {c:z.2f}" for c in cosines])


@cache
def compared() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(scores, query ids, gallery ids) of the test pets' queries, cut out by mask and cropped."""
    shown, asked = datasets.pets("gallery"), datasets.pets("query", "test")
    vectors = [
        encoder().embed([exact_cut(one, crop=True) for one in t.to_dict("records")])
        for t in (shown, asked)
    ]
    return vectors[1] @ vectors[0].T, asked.pet.to_numpy(), shown.pet.to_numpy()


def strips() -> Figure:
    """Genuine and impostor scores."""
    genuine, impostor = ev.genuine_impostor_scores(*compared())
    name = "genuíno" if language() == "pt" else "genuine"
    return plots.score_strips({name: genuine, "impostor": impostor}, mark=0.8)


def errors() -> Figure:
    """FMR and FNMR against the threshold."""
    return plots.error_rates(ev.fmr_fnmr(*ev.genuine_impostor_scores(*compared())))


def numbers() -> dict[str, str]:
    """What the slides state."""
    scores, asked, shown = compared()
    recall = ev.jackknife_by_identity(ev.recall_at_k, scores, asked, shown)
    pets = len(set(shown))
    per_100 = {"recall": recall.estimate, "recall_low": recall.low, "recall_high": recall.high,
               "chance": 1 / pets}  # fmt: skip
    told = {name: f"{100 * share:.0f}" for name, share in per_100.items()}
    told |= {"gallery_pets": str(pets), "pets": str(len({*asked, *shown}))}
    pairs = f"{scores.size:,}"
    return told | {"pairs_en": pairs, "pairs_pt": pairs.replace(",", "."), "model": encoder().name}


def main() -> None:
    """Write every figure, those with words in both languages, and the numbers."""
    drawn = [asked, question, lights, angles, qualities, mates, array, channels, fits,
             cutout, patches, attended, parts, arrows, three_angles]  # fmt: skip
    figures = [(FOLDER, draw) for draw in drawn]
    for lang in ("en", "pt"):
        draw_all(lang, FOLDER / lang)
        figures += [(FOLDER / lang, draw) for draw in (match, strips, errors)]
    for folder, draw in figures:
        os.environ["VITSIM_LANG"] = folder.name  # `vitsim.plots` speaks it
        draw().savefig(folder / f"{draw.__name__}.png")
        print(f"drawn: {draw.__name__}", flush=True)
    (FOLDER / "numbers.json").write_text(json.dumps(numbers(), indent=1) + "\n")


if __name__ == "__main__":
    main()
