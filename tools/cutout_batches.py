"""Batches for `train_cutout.py`: photos and pets with their masks, much changed.

A part keeps its place; the others are laid on another photograph or a flat colour.
All are moved, zoomed, stretched, mirrored, relit, blurred, made noisy or badly compressed.
"""

import csv
import io
from pathlib import Path

import numpy as np
import torch
from cutout_labels import certainty, judge
from PIL import Image
from torch.nn import functional as F

from vitsim.datasets import pets

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
PHOTOS = 0.25  # of a batch; the rest are pets
# Sure inside, elsewhere, highest of a background: milder than `judge`, for more photographs.
LABELLED = 0.8, 0.12, 0.6


def unit(pictures: np.ndarray) -> torch.Tensor:
    """(b, h, w, 3) uint8 -> (b, 3, h, w) in 0 to 1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(255)


def normalise(x: torch.Tensor) -> torch.Tensor:
    """As rembg does: divide by the picture's maximum, then ImageNet's mean and deviation."""
    return (x / x.amax((1, 2, 3), keepdim=True).clamp(min=1e-6) - MEAN) / STD


def uniform(n: int, low: float, high: float, channels: int = 1) -> torch.Tensor:
    return torch.empty(n, channels, 1, 1).uniform_(low, high)


def relight(x: torch.Tensor, strength: float) -> torch.Tensor:
    """Exposure, gamma, colour of the light, contrast and saturation, one draw a picture."""
    n, s = len(x), strength
    x = x.clamp(min=1e-4) ** uniform(n, -0.4 * s, 0.4 * s).exp()
    x = x * uniform(n, -0.4 * s, 0.3 * s).exp() * uniform(n, -0.15 * s, 0.15 * s, 3).exp()
    middle = x.mean((1, 2, 3), keepdim=True)
    x = middle + (x - middle) * uniform(n, -0.4 * s, 0.3 * s).exp()
    grey = x.mean(1, keepdim=True)
    return (grey + (x - grey) * uniform(n, -0.9 * s, 0.4 * s).exp()).clamp_(0, 1)


def move(x: torch.Tensor, zoom: tuple[float, float], size: int, padding: str) -> torch.Tensor:
    """A random zoom (above 1: larger), stretch, turn, shift and mirroring of each picture."""
    n = len(x)
    scale = 1 / uniform(n, np.log(zoom[0]), np.log(zoom[1])).exp().view(n)
    stretch, angle = torch.randn(n).mul(0.15).exp(), torch.randn(n) * 0.15
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    room = (1 - scale).abs() + 0.1
    shift = torch.empty(n, 2).uniform_(-0.7, 0.7) * room[:, None]
    c, s = angle.cos() * scale, angle.sin() * scale
    turn = torch.stack(
        [c * mirror * stretch, -s, shift[:, 0], s * mirror, c / stretch, shift[:, 1]], 1
    )
    grid = F.affine_grid(turn.view(n, 2, 3), [n, x.shape[1], size, size], align_corners=False)
    return F.grid_sample(x, grid, padding_mode=padding, align_corners=False)


def spoil(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Blur, noise and JPEG, each on some of the pictures."""
    n, size = len(x), x.shape[-1]
    kind = torch.rand(n, 1, 1, 1)
    small = F.interpolate(x, scale_factor=float(rng.uniform(0.3, 0.8)), mode="bilinear")
    blurred = F.interpolate(small, (size, size), mode="bilinear")
    x = torch.where(kind < 0.25, blurred, x)
    x = x + torch.randn_like(x) * (uniform(n, -0.06, 0.06).clamp(min=0))  # on half of them
    x = x.clamp_(0, 1)
    for i in np.flatnonzero(rng.random(n) < 0.12):
        pixels = (x[i].permute(1, 2, 0) * 255).byte().numpy()
        Image.fromarray(pixels).save(
            file := io.BytesIO(), "JPEG", quality=int(rng.integers(12, 70))
        )
        x[i] = unit(np.array(Image.open(file))[None])[0]
    return x


class Cutouts:
    """All labelled photographs and pets that are there; more join as they appear."""

    def __init__(self, build: Path, size: int) -> None:
        """Pets are kept a quarter larger than `size`, so that a zoom finds an outline."""
        self.build, self.size, self.rng = build, size * 5 // 4, np.random.default_rng()
        self.files: set[str] = set()
        # [(picture, mask)] of each kind; pictures (s, s, 3), masks (s, s), uint8
        self.kinds = {kind: [] for kind in ("photos", "pets", "backgrounds", "groceries",
                                            "val photos", "val pets")}  # fmt: skip
        for row in pets(split="dev").itertuples():
            self.add_pet("val pets", Image.open(row.photo).convert("RGB"), Image.open(row.mask))
        self.look_for_more()

    def __str__(self) -> str:
        return ", ".join(f"{len(held)} {kind}" for kind, held in self.kinds.items())

    def fresh(self, folder: str, pattern: str) -> list[Path]:
        """The files that were not there the last time."""
        paths = sorted((self.build / folder).glob(pattern))
        paths = [path for path in paths if str(path) not in self.files]
        self.files |= {str(path) for path in paths}
        return paths

    def look_for_more(self) -> None:
        for path in self.fresh("cutout", "labels_????.npz"):
            self.add_photos(np.load(path))
        for path in self.fresh("coated", "litter_*.npy"):
            for i, photos in enumerate(np.load(path, mmap_mode="r")[::2]):  # a coat of each kind
                for photo in photos[i % 2 :: 2]:
                    self.add_pet("pets", *map(Image.fromarray, (photo[..., :3], photo[..., 3])))
        for path in self.fresh("photos", "views.npy"):
            self.add_backgrounds(path)

    def add_photos(self, chunk: dict[str, np.ndarray]) -> None:
        masks, splits = chunk["masks"], chunk["splits"]
        kinds, (share, sure, outside, highest) = judge(masks), certainty(masks)
        labelled = (share > 0.06) & (share < 0.85) & (sure > LABELLED[0]) & (outside < LABELLED[1])
        chosen = {
            "photos": labelled & (splits == "train"),
            "val photos": (kinds == "labelled") & (splits == "heldout"),
            "backgrounds": (highest < LABELLED[2]) & (splits == "train"),
        }
        for to, use in chosen.items():
            self.kinds[to] += list(zip(chunk["pictures"][use], masks[use], strict=True))

    def add_backgrounds(self, views: Path) -> None:
        """Groceries and Caltech's clutter, from the photographs that `tiny` learns from."""
        views = np.load(views, mmap_mode="r")
        with open(self.build / "photos" / "photos.csv") as file:
            for row, view in zip(csv.DictReader(file), views, strict=True):
                if row["split"] == "train" and (row["group"] == "grocery" or not row["label"]):
                    to = "groceries" if row["label"] else "backgrounds"
                    self.kinds[to].append((view[1], None))

    def add_pet(self, kind: str, photo: Image.Image, mask: Image.Image) -> None:
        sides = self.size, self.size
        outline = mask.convert("L").resize(sides, Image.BOX)
        picture = photo.resize(sides, Image.LANCZOS)
        self.kinds[kind].append((np.asarray(picture), np.asarray(outline)))

    def draw(self, kind: str, n: int) -> torch.Tensor:
        """n of a kind: (n, 4, s, s) in 0 to 1, red, green, blue and mask."""
        held = self.kinds[kind]
        chosen = [held[i] for i in self.rng.integers(len(held), size=n)]
        return unit(np.stack([np.dstack(pair) for pair in chosen]))

    def backgrounds(self, n: int, size: int) -> torch.Tensor:
        """Photographs without foreground, and a few flat colours."""
        both = self.kinds["backgrounds"], self.kinds["groceries"] or self.kinds["backgrounds"]
        held = [both[i] for i in self.rng.integers(2, size=n)]
        chosen = [h[self.rng.integers(len(h))][0][:128, :128] for h in held]
        x = move(unit(np.stack(chosen)), (1.0, 2.5), size, "reflection")
        return torch.where(uniform(n, 0, 1) < 0.15, torch.rand(n, 3, 1, 1).expand_as(x), x)

    def counts(self, n: int) -> dict[str, int]:
        """How many of each kind make a batch of n."""
        photos = round(n * PHOTOS) if self.kinds["pets"] else n
        return {"photos": photos, "pets": n - photos}

    def batch(self, n: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, 3, size, size) normalised pictures and (n, 1, size, size) masks in 0 to 1."""
        stay, away = [], []
        for kind, count in self.counts(n).items():
            if not count:
                continue
            x = self.draw(kind, count)
            if kind == "photos":  # the teacher's edges are wide
                x[:, 3:] = ((x[:, 3:] - 0.3) / 0.4).clamp_(0, 1)
            staying = {"photos": 0.5, "pets": 0.65}[kind]
            k = int(count * staying + self.rng.random())  # the right share in the long run
            if k:
                stay.append(move(x[:k], (0.8, 1.7), size, "reflection"))
            if k < count:
                away.append(move(x[k:], (0.5, 1.4), size, "zeros"))
        away = torch.cat(away)
        pixels, masks = away[:, :3], away[:, 3:]
        behind = relight(self.backgrounds(len(away), size), 0.7)
        pixels = masks * relight(pixels, 0.7) + (1 - masks) * behind
        stay = torch.cat([*stay, torch.empty(0, 4, size, size)])
        pixels = relight(torch.cat([pixels, stay[:, :3]]), 0.8)
        return normalise(spoil(pixels, self.rng)), torch.cat([masks, stay[:, 3:]])

    def validation(self, size: int) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """Unchanged pictures of the classes and pets kept for choosing."""
        found = {}
        for kind in ("val photos", "val pets"):
            if held := self.kinds[kind]:
                x = unit(np.stack([np.dstack(pair) for pair in held]))
                x = F.interpolate(x, (size, size), mode="bilinear", antialias=True)
                found[kind] = normalise(x[:, :3]), x[:, 3:]
        return found
