"""How well the photos of a gallery find each other: each is asked for among all the others.

Behind `vitsim evaluate`. The label of a photo, usually the name of its folder, is its identity: an
animal, or a class. Every figure comes with an interval over identities, and beside two baselines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from .background import remove_background
from .baselines import BASELINES
from .gallery import Gallery
from .images import PhotoError, open_photo
from .indexing import folder_name
from .intervals import Interval, bca_interval, jackknife_interval
from .similarity import SAME
from .store import GalleryError

MOST = 7_000  # photos: the pairs of so many take 2.5 GB
FIGURES = ("recall@1", "recall@5", "mAP", "EER", "d'")
FEW = 12  # identities: with fewer, nobody tried how often the intervals hold the truth
GROUPS = 100  # of identities that are left out together, at most
LEVELS = 5_000  # that scores are rounded to, lowest to highest, where identities are drawn
WORK = 500_000_000  # numbers in all draws, some 20 seconds; 200 draws at least
NAMED = 5  # photos in a note
REMEDY = "Put the photos of each animal, or class, into a folder of its own, two at least."


@dataclass(frozen=True)
class Judgement:
    """One way to compare photos: its `figures` (recall@1, recall@5, mAP, EER, d'), its scores.

    `genuine` and `impostor` hold the score of every pair of photos once, float32.
    """

    figures: dict[str, Interval]
    genuine: np.ndarray
    impostor: np.ndarray


@dataclass(frozen=True)
class Report:
    """The judged `methods` by name, the model first; printed, a table.

    `queries` counts the photos that were asked for, `chance` is the recall@1 of a random order,
    and `notes` say what was set aside.
    """

    methods: dict[str, Judgement]
    photos: int
    identities: int
    queries: int
    chance: float
    notes: tuple[str, ...]

    def __str__(self) -> str:
        columns = [["", *FIGURES]]
        for name, method in self.methods.items():
            columns.append([name, *(str(method.figures[figure]) for figure in FIGURES)])
        widths = [max(map(len, column)) for column in columns]
        rows = zip(*columns, strict=True)
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        told = f"Estimate [95 % interval over identities]. By chance, recall@1: {self.chance:.2f}."
        return "\n".join([*lines, "", told])


def evaluate_gallery(gallery: Gallery, repeats: int = 1000, progress: bool = False) -> Report:
    """Judge the model and the background of a gallery, and the baselines on the same photos.

    Raises `GalleryError` when there are not two identities with two photos each.
    """
    held = np.asarray(gallery.vectors)  # one in Milvus says that it can only be searched
    kept, notes = _compared(gallery)
    ids, model = kept["label"].to_numpy(), gallery.recipe.model
    model = Path(model).name if Path(model).is_absolute() else model
    vectors = {model: held[kept.index]}
    try:
        vectors |= _baselines(gallery, kept["path"], progress)
    except PhotoError as error:
        notes.append(f"no baselines: {error}")
    methods = {name: judge(rows, ids, repeats) for name, rows in vectors.items()}
    others = kept.groupby("label")["path"].transform("size").to_numpy() - 1
    chance = float(others[others > 0].mean() / (len(kept) - 1))
    known = len(set(ids[others > 0]))
    if known < FEW:
        notes.append(f"only {known} identities to draw from: the intervals may be too narrow")
    return Report(methods, len(kept), len(set(ids)), int((others > 0).sum()), chance, tuple(notes))


def judge(vectors: np.ndarray, ids: Sequence | np.ndarray, repeats: int = 1000) -> Judgement:
    """Ask for each of `vectors` `(n, d)`, of norm 1, among the others; `ids` `(n,)` say whose.

    A photo alone of its identity is not asked for, but is there to be taken for another. The
    intervals are those that `evaluation` recommends, in seconds for thousands of photos: EER by
    the bootstrap, all others by the jackknife. More than 100 identities are left out in 100 groups.
    """
    vectors, ids = np.asarray(vectors, np.float32), np.unique(ids, return_inverse=True)[1]
    groups = np.random.default_rng(0).permutation(ids.max() + 1) % GROUPS
    asked = np.flatnonzero(np.bincount(ids)[ids] > 1)
    blocks = np.array_split(asked, 1 + len(asked) // 500)
    by_query = np.concatenate([_ranked(vectors, block, ids, groups) for block in blocks], axis=1)
    others = np.arange(groups.max() + 1)[:, None] != groups[ids[asked]]
    with np.errstate(invalid="ignore"):  # a group may hold all that are asked for
        left_out = np.einsum("gqf,gq->gf", by_query[1:], others) / others.sum(1, keepdims=True)
    trials = len(set(ids[asked]))
    figures = {
        name: jackknife_interval(float(value), without, trials)
        for name, value, without in zip(FIGURES, by_query[0].mean(0), left_out.T, strict=False)
    }
    pairs, first, second = _pairs(vectors, ids)
    same = first == second
    figures |= _pair_figures(pairs, first, second, groups, repeats)
    return Judgement(figures, pairs[same], pairs[~same])


def _compared(gallery: Gallery) -> tuple[pd.DataFrame, list[str]]:
    """The photos that are compared, with their rows in the gallery, and notes on the others."""
    kept, notes = gallery.photos.reset_index(drop=True), []

    def note(why: str, these: pd.Series) -> None:
        if these.any():
            names, more = list(kept.loc[these, "path"]), these.sum() - NAMED
            rest = f" and {more} more" if more > 0 else ""
            notes.append(f"{why}: {', '.join(names[:NAMED])}{rest}")

    top = ~kept["path"].str.contains("/") & (kept["label"] == folder_name(gallery.root / "photo"))
    homeless = top | (kept["label"] == "")
    note("in no folder of an identity", homeless)
    kept = kept[~homeless]
    doubtful = kept.groupby("sha256")["label"].transform("nunique") > 1
    note("the same photo in two folders", doubtful)
    kept = kept[~doubtful]
    copies = kept.duplicated("sha256")
    note("an exact copy", copies)
    kept = kept[~copies]
    alone = ~kept["label"].duplicated(keep=False)
    note("alone in its folder, so not asked for", alone)
    if kept["label"].nunique() < 2:
        held = kept["label"].unique()
        reason = (
            f"holds photos of one identity only ({held[0]})"
            if len(held)
            else "holds no folder of an identity"
        )
        raise GalleryError(gallery.root, reason, REMEDY)
    if kept["label"][~alone].nunique() < 2:
        reason = "holds fewer than two identities with two photos or more"
        raise GalleryError(gallery.root, reason, REMEDY)
    if len(kept) > MOST:
        reason = f"holds {len(kept)} photos; {MOST} at most can be compared with each other"
        raise GalleryError(gallery.root, reason, "Give a folder with a part of them.")
    return kept, notes


def _baselines(gallery: Gallery, paths: pd.Series, progress: bool) -> dict[str, np.ndarray]:
    """Vectors by the name of the baseline, of the photos or the cut-outs that the model saw."""
    found: dict[str, list] = {name: [] for name in BASELINES}
    for path in tqdm(paths, "baselines", unit="photo", disable=not progress):
        photo = open_photo(gallery.root / path)
        if gallery.recipe.background:
            photo, _ = remove_background(photo, gallery.recipe.background)
        for name, embed in BASELINES.items():
            found[name].append(embed([photo])[0])
    return {name: np.stack(rows) for name, rows in found.items()}


def _ranked(vectors: np.ndarray, rows: np.ndarray, ids: np.ndarray, groups: np.ndarray):
    """`(1 + groups, rows, 3)`: whether a query finds its identity first, or among 5; its precision.

    First with all photos, then without each group of identities. A tie counts as an error.
    """
    scores, own = vectors[rows] @ vectors.T, ids[rows]
    scores[np.arange(len(rows)), rows] = np.nan  # which is sorted to the end
    worst_case = scores - SAME * (own[:, None] == ids)
    whose = ids[np.argsort(-worst_case, axis=1)[:, :-1]]
    right, group = whose == own[:, None], groups[whose]
    found = (right.cumsum(1) * right).astype(np.float32)
    values = []
    for left_out in range(-1, groups.max() + 1):
        rank = (group != left_out).cumsum(1, dtype=np.int16)
        best = np.where(right, rank, rank.shape[1] + 1).min(1)
        precision = (found / np.maximum(rank, 1)).sum(1) / right.sum(1)
        values.append(np.stack([best <= 1, best <= 5, precision], axis=1))
    return np.array(values, np.float64)


def _pairs(vectors: np.ndarray, ids: np.ndarray) -> list[np.ndarray]:
    """Of every pair of photos its score and the two identities, the lower one first."""
    found = []
    for row in range(len(vectors) - 1):
        two = np.broadcast_to(ids[row], len(ids) - row - 1), ids[row + 1 :]
        found.append((vectors[row + 1 :] @ vectors[row], np.minimum(*two), np.maximum(*two)))
    return [np.concatenate(each) for each in zip(*found, strict=True)]


def _pair_figures(
    scores: np.ndarray, first: np.ndarray, second: np.ndarray, groups: np.ndarray, repeats: int
) -> dict[str, Interval]:
    """EER and d' of pairs of photos, as from `_pairs`; d' < 0 where impostors score higher.

    A draw of identities is a weight for each pair of them: an identity drawn w times counts its
    genuine pairs w times, and its impostor pairs with one drawn v times v · w times.
    """
    n, low = len(groups), scores.min()
    levels = np.round((scores - low) * (LEVELS / max(scores.max() - low, SAME))).astype(np.int64)
    cells, counts = np.unique((levels * n + first) * n + second, return_counts=True)
    cells, second = np.divmod(cells, n)
    levels, first = np.divmod(cells, n)
    same, axis = first == second, np.arange(LEVELS + 1)
    own = levels[same], counts[same], first[same]
    other = levels[~same], counts[~same], first[~same], second[~same]

    def figures(drawn: np.ndarray) -> tuple[float, float]:
        genuine = np.bincount(own[0], own[1] * drawn[own[2]], LEVELS + 1)
        impostor = np.bincount(other[0], other[1] * drawn[other[2]] * drawn[other[3]], LEVELS + 1)
        if not (genuine.any() and impostor.any()):
            return np.nan, np.nan
        both = np.stack([genuine / genuine.sum(), impostor / impostor.sum()])
        below = np.pad(both.cumsum(1), ((0, 0), (1, 0)))  # FNMR, and 1 − FMR, at each threshold
        at = np.argmin(np.abs(1 - below[1] - below[0]))
        means = both @ axis
        spread = np.sqrt(np.mean(both @ axis**2 - means**2))
        equal = max(0, 1 - below[1, at] + below[0, at]) / 2
        return equal, (means[0] - means[1]) / max(spread, 1)

    equal, apart = map(float, figures(np.ones(n)))
    if n < 3:  # of two identities no draw differs from the whole
        return {"EER": Interval(equal, np.nan, np.nan), "d'": Interval(apart, np.nan, np.nan)}
    repeats, rng = min(repeats, 200 + WORK // len(cells)), np.random.default_rng(0)
    draws = [figures(np.bincount(rng.integers(n, size=n), minlength=n))[0] for _ in range(repeats)]
    left_out = np.array([figures(groups != group) for group in range(groups.max() + 1)])
    return {
        "EER": bca_interval(equal, draws, left_out[:, 0], rate=True),
        "d'": jackknife_interval(apart, left_out[:, 1], n, rate=False),
    }
