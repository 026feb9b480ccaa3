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
from .evaluation import equal_error_rate
from .gallery import Gallery
from .images import PhotoError, open_photo
from .intervals import Interval, equal_error_rate_interval, fmr_weight, jackknife_interval
from .labels import folder_name, namesakes
from .similarity import SAME
from .store import GalleryError

MOST = 7_000  # photos: the pairs of so many take 2.5 GB
FIGURES = ("recall@1", "recall@5", "mAP", "EER", "d'")
FEW = 12  # identities: with fewer, nobody tried how often the intervals hold the truth
GROUPS = 100  # of identities that are left out together, at most
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
        found = (one for method in self.methods.values() for one in method.figures.values())
        bare = any(np.isnan(one.low) for one in found)
        unknown = ["Without an interval: none can be told."] if bare else []
        return "\n".join([*lines, "", told, *unknown])


def evaluate_gallery(gallery: Gallery, progress: bool = False) -> Report:
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
    methods = {name: judge(rows, ids) for name, rows in vectors.items()}
    others = kept.groupby("label")["path"].transform("size").to_numpy() - 1
    chance = float(others[others > 0].mean() / (len(kept) - 1))
    known = len(set(ids[others > 0]))
    if known < FEW:
        none = len(set(ids)) < 3
        what = "no interval can be told" if none else "the intervals may be too narrow"
        notes.append(f"only {known} identities to draw from: {what}")
    return Report(methods, len(kept), len(set(ids)), int((others > 0).sum()), chance, tuple(notes))


def judge(vectors: np.ndarray, ids: Sequence | np.ndarray) -> Judgement:
    """Ask for each of `vectors` `(n, d)`, of norm 1, among the others; `ids` `(n,)` say whose.

    A photo alone of its identity is not asked for, but is there to be taken for another. The
    intervals are those of `evaluation`, in seconds for thousands of photos; more than 100
    identities are left out in 100 groups.
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
    first, second = np.triu_indices(len(ids), 1)
    pairs = np.clip((vectors @ vectors.T)[first, second], -1, 1)
    first, second = ids[first], ids[second]
    same = first == second
    figures |= _pair_figures(pairs, same, groups[first], groups[second], trials)
    return Judgement(figures, pairs[same], pairs[~same])


def _compared(gallery: Gallery) -> tuple[pd.DataFrame, list[str]]:
    """The photos that are compared, with their rows in the gallery, and notes on the others."""
    kept, notes = gallery.photos.reset_index(drop=True), []

    def note(why: str, these: pd.Series | list[str]) -> None:
        names = these if isinstance(these, list) else list(kept.loc[these, "path"])
        if names:
            rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
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
    note("taken for one identity, by their name", namesakes(kept))
    if kept["label"][~alone].nunique() < 2:
        held = kept["label"].unique()
        reason = "holds fewer than two identities with two photos or more"
        if len(held) < 2:
            only = f"photos of one identity only ({held[0]})" if len(held) else ""
            reason = f"holds {only or 'no photo of an identity to compare'}"
        raise GalleryError(gallery.root, "; ".join([reason, *notes]), REMEDY)
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


def _pair_figures(
    scores: np.ndarray, same: np.ndarray, first: np.ndarray, second: np.ndarray, trials: int
) -> dict[str, Interval]:
    """EER and d' of pairs of photos; d' < 0 where impostors score higher.

    `same` says which pairs are genuine, `first` and `second` in which groups of identities they are
    left out.
    """
    scores = np.rint(scores.astype(np.float64) / SAME) * SAME  # nearer ones are a tie
    n, middle = first.max(initial=second.max()) + 1, scores.mean()
    equal = equal_error_rate(scores[same], scores[~same])
    weight = fmr_weight(scores[same], scores[~same], equal.threshold)

    def means(kind: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Of the pairs of one kind: all of them, then those without each group."""
        one, other, values = first[kind], second[kind], values[kind]
        within = one == other
        sums = []
        for each in (np.ones(len(values)), values):
            lost = np.bincount(one, each, n) + np.bincount(other[~within], each[~within], n)
            sums.append(np.append(0, -lost) + each.sum())
        return sums[1] / sums[0]

    with np.errstate(divide="ignore", invalid="ignore"):  # a group may hold all of a kind
        fmr, fnmr = means(~same, scores >= equal.threshold), means(same, scores < equal.threshold)
        centres = [means(kind, scores - middle) for kind in (same, ~same)]
        squares = [means(kind, (scores - middle) ** 2) for kind in (same, ~same)]
        spread = np.sqrt((np.sum(squares, 0) - np.sum(np.square(centres), 0)) / 2)
    apart = (centres[0] - centres[1]) / np.maximum(spread, SAME)
    return {
        "EER": equal_error_rate_interval(equal.rate, weight, fmr, fnmr, trials),
        "d'": jackknife_interval(float(apart[0]), apart[1:], trials, rate=False),
    }
