"""Batches for `train_vit.py`: photographs with the teacher's vectors, pets with names.

Both give pixels as (b, 3, size, size) float32 in [-1, 1], changed at random every time: what a
photo is of must not depend on its colour of light, brightness, noise or place.
"""

import csv
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from teacher_targets import MIXED, VIEWS
from torch.nn import functional as F

from vitsim import datasets
from vitsim.background import MARGIN, cut_out
from vitsim.images import fit


def to_pixels(photos: np.ndarray) -> torch.Tensor:
    """(b, h, w, 3) uint8 -> (b, 3, h, w) float32 in [-1, 1]."""
    return torch.from_numpy(photos).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def resize(pixels: torch.Tensor, size: int) -> torch.Tensor:
    return F.interpolate(pixels, (size, size), mode="bilinear", antialias=True)


NOISE = torch.randn(1 << 22)


def change_light(pixels: torch.Tensor, strength: float) -> torch.Tensor:
    """Exposure, colour of the light, contrast, saturation and noise, one draw an image.

    All but the noise is one 3 x 3 matrix and one offset for each image: cheap.
    """
    b, _, height, width = pixels.shape

    def draw(spread: float, *shape: int) -> torch.Tensor:
        return (torch.rand(b, *shape) * 2 - 1).mul_(spread * strength).exp_()

    gain = draw(0.4, 1) * draw(0.2, 3)  # (b, 3), on pixels in [0, 1]
    contrast, saturation = draw(0.3, 1), draw(0.4, 1, 1)
    middle = ((pixels.mean((2, 3)) + 1) / 2 * gain).mean(1, keepdim=True)
    matrix = saturation * torch.eye(3) + (1 - saturation) / 3
    matrix = matrix * (gain * contrast)[:, None]
    # [-1, 1] -> [0, 1] -> changed -> [-1, 1], all at once
    offset = (matrix @ torch.ones(3, 1)) + 2 * (middle * (1 - contrast))[:, :, None] - 1
    # Drawn on the CPU: a number from a GPU would have to be waited for.
    start = int(torch.randint(len(NOISE) - pixels[0].numel(), (), device="cpu"))
    noise = NOISE[start : start + pixels[0].numel()].view(1, 3, height, width)
    rolled = torch.rand(b, 1, 1, 1) * 0.08 * strength * noise
    out = torch.baddbmm(offset, matrix, pixels.flatten(2)).view_as(pixels)
    return (out + rolled).clamp_(-1, 1)


class Photos:
    """The photographs that `teacher_targets.py` prepared, with vectors by `vector_space.py`."""

    def __init__(self, folder: Path) -> None:
        with open(folder / "photos.csv") as file:
            rows = list(csv.DictReader(file))
        self.views = np.load(folder / "views.npy", mmap_mode="r")
        split = np.array([row["split"] for row in rows])
        names = sorted({row["label"] for row in rows if row["split"] == "train"} - {""})
        number = {name: i for i, name in enumerate(names)}
        self.names = [row["name"] for row in rows]
        self.labels = np.array([number.get(row["label"], -1) for row in rows])
        self.label_names = np.array([row["label"] for row in rows])
        self.count = len(names)
        self.train, self.val = np.flatnonzero(split == "train"), np.flatnonzero(split == "val")
        space = np.load(folder / "space.npz")
        self.mean, self.axes = torch.from_numpy(space["mean"]), torch.from_numpy(space["axes"])
        self.targets = self.place(np.load(folder / "targets.npy"))
        self.rng = np.random.default_rng()

    def place(self, features: np.ndarray) -> torch.Tensor:
        """(..., 1024) features of the teacher -> (..., width) of norm 1."""
        return F.normalize((torch.from_numpy(features).float() - self.mean) @ self.axes, dim=-1)

    def middles(self) -> torch.Tensor:
        """(classes, width): the mean of what the teacher says of each class."""
        numbers = range(self.count)
        return torch.stack([self.targets[self.labels == i, 0].mean(0) for i in numbers])

    def patches(self, size: int) -> torch.Tensor:
        """(n, 768) patches at this size, for the initialisation."""
        rows = self.rng.choice(self.train, 512, replace=False)
        pixels = resize(to_pixels(self.views[np.sort(rows), 2]), size)
        return F.unfold(pixels, 16, stride=16).transpose(1, 2).reshape(-1, 768)

    def batch(self, n: int, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """pixels, the teacher's vectors (n, width), labels (n,) with -1 for none or two."""
        rows, view = self.rng.choice(self.train, n), self.rng.integers(VIEWS, size=n)
        pixels = to_pixels(self.views[rows, view])
        side = int(self.rng.integers(112, 129))  # one small shift a batch: cheap
        top, left = self.rng.integers(0, 129 - side, size=2)
        pixels = resize(pixels[:, :, top : top + side, left : left + side], size)
        pixels = torch.where(torch.rand(n, 1, 1, 1) < 0.5, pixels, pixels.flip(3))
        return (
            change_light(pixels, 0.6),
            self.targets[rows, view],
            torch.from_numpy(np.where(view < VIEWS - MIXED, self.labels[rows], -1)),
        )

    def validation(self) -> tuple[torch.Tensor, np.ndarray]:
        """Letterboxed photos of the classes kept for choosing, and their class names."""
        return to_pixels(self.views[self.val, 0]), self.label_names[self.val]


def moved(
    pixels: torch.Tensor, size: int, zoom: tuple[float, float], cropped: torch.Tensor
) -> torch.Tensor:
    """(n, 4, h, w) pixels and mask -> (n, 4, size, size), turned, zoomed and shifted at random.

    Those that are `cropped` (n,) fill the square, nearly as `background.cut_out` crops them.
    """
    n = len(pixels)
    middle, half = boxes(pixels[:, 3])
    angle, scale, shift = torch.randn(n) * 0.15, torch.empty(n).uniform_(*zoom), torch.randn(n, 2)
    filling = half * (1 + 2 * MARGIN) * torch.empty(n).uniform_(0.92, 1.1)
    scale = torch.where(cropped, filling, scale)
    shift = torch.where(cropped[:, None], middle + 0.04 * half[:, None] * shift, 0.1 * shift)
    c, s = angle.cos() * scale, angle.sin() * scale
    turn = torch.stack([c, -s, shift[:, 0], s, c, shift[:, 1]], 1).view(n, 2, 3)
    grid = F.affine_grid(turn, [n, 4, size, size], align_corners=False)
    return F.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)


def boxes(masks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Middle (n, 2) and half of the longer side (n,) of what masks (n, h, w) show, in -1...1."""
    ends = []
    for dim in (1, 2):  # along x, then y
        shown = masks.amax(dim) > 0.5
        at = torch.linspace(-1, 1, shown.shape[1], device=masks.device).expand_as(shown)
        low = at.masked_fill(~shown, 1).amin(1).clamp(max=0.9)
        ends.append((low, at.masked_fill(~shown, -1).amax(1).maximum(low + 0.1)))
    middle = torch.stack([(low + high) / 2 for low, high in ends], 1)
    return middle, torch.stack([(high - low) / 2 for low, high in ends], 1).amax(1)


def cut_outs(cut: torch.Tensor) -> torch.Tensor:
    """(n, 4, h, w) pixels and mask -> (n, 3, h, w) on grey, as `background.cut_out` crops them."""
    middle, half = boxes(cut[:, 3])
    scale = (half * (1 + 2 * MARGIN))[:, None, None] * torch.eye(2)
    turn = torch.cat([scale, middle[:, :, None]], 2)
    grid = F.affine_grid(turn, list(cut.shape), align_corners=False)
    cut = F.grid_sample(cut, grid, align_corners=False)
    return cut[:, 3:] * cut[:, :3]  # 0 is the middle grey


def in_front(cut: torch.Tensor, behind: torch.Tensor) -> torch.Tensor:
    """Pixels with their mask (n, 4, s, s) laid over other pixels (n, 3, s, s)."""
    return behind + cut[:, 3:] * (cut[:, :3] - behind)


def seen_badly(pixels: torch.Tensor) -> torch.Tensor:
    """Every fifth photo blurred, all relit."""
    size = pixels.shape[2]
    blurred = torch.randperm(len(pixels))[: len(pixels) // 5]
    small = resize(pixels[blurred], max(16, size // 3))
    return change_light(pixels.index_copy(0, blurred, resize(small, size)), 0.4)


def seen_somewhere(
    cut: torch.Tensor, backgrounds: torch.Tensor, alone: torch.Tensor, own: float
) -> torch.Tensor:
    """Pets with their masks (n, 4, s, s) -> (n, 3, s, s): relit, before a random background.

    Those that are `alone` (n,) stand on the grey that cut-outs are laid on, which no light
    changes; the share `own` of the rest stays where it is; the others get another background, a
    few of them a flat colour.
    """
    n = len(cut)
    kind, alone = torch.rand(n, 1, 1, 1), alone[:, None, None, None]
    behind = backgrounds[torch.randint(len(backgrounds), (n,))]
    behind = torch.where(kind < 0.88, behind, torch.rand(n, 3, 1, 1) * 2 - 1)
    pixels = seen_badly(torch.where(alone | (kind < own), cut[:, :3], in_front(cut, behind)))
    return torch.where(alone, cut[:, 3:] * pixels, pixels)  # 0 is the middle grey


class Descriptions:
    """Where every pet belongs among all pets, by what `vector_space.py` made of its traits."""

    def __init__(self, path: Path) -> None:
        stored = np.load(path)
        numbers = stored["numbers"].clip(-3, 3)
        numbers = np.concatenate([numbers, numbers[:, stored["mirror"]]])
        space = np.load(path.with_name("pet_space.npy"))
        self.places = F.normalize(torch.from_numpy(numbers @ space))  # left and right swapped last
        self.row = {name: i for i, name in enumerate(stored["names"].tolist())}

    def of(self, names: list[str], mirrored: list[bool]) -> tuple[torch.Tensor, torch.Tensor]:
        """Numbers (n,) and places (n, width) of norm 1; a mirrored pet is another one."""
        rows = torch.tensor([self.row[name] for name in names])
        who = rows + len(self.row) * torch.tensor(mirrored)
        return who, self.places[who]


def to_cut(pictures: np.ndarray) -> torch.Tensor:
    """(n, h, w, 4) uint8 -> (n, 4, h, w): colours in [-1, 1], mask in [0, 1]."""
    cut = to_pixels(pictures)
    cut[:, 3] = cut[:, 3] / 2 + 0.5
    return cut


class Pets:
    """Litters that `coat_pets.py` made; files that are not there yet join later."""

    KEPT = 12  # litters for choosing
    EACH = 3  # photos of a pet in a batch
    ALONE, CROPPED = 0.5, 0.5  # the share that is cut out, and that is cropped as well
    OWN = 0.8  # of the others, the share that stays in its place

    def __init__(self, folder: Path, about: Descriptions) -> None:
        self.folder, self.about = folder, about
        self.rng = np.random.default_rng()
        self.look_for_more()

    def look_for_more(self) -> None:
        paths = sorted(self.folder.glob("litter_*.npy"))
        self.val = [path for path in paths if int(path.stem[-5:]) < self.KEPT]
        self.train = paths[len(self.val) :]
        self.litters = [np.load(path, mmap_mode="r") for path in self.train]

    def batch(self, n: int, size: int, backgrounds: torch.Tensor):
        """pixels, masks (n, 1, size, size), and what `Descriptions.of` says of the pets."""
        pictures, names, mirrored = [], [], []
        for at in self.rng.permutation(len(self.train)):
            litter, mirror = self.litters[at], self.rng.integers(2)
            mates = 2 * self.rng.permutation(len(litter) // 2)[:2]  # a pair, and a third pet
            views = self.rng.permutation(litter.shape[1])
            for i in (mates[0], mates[0] + 1, mates[1]):
                for view in views[: self.EACH]:
                    picture = litter[i, view]
                    pictures.append(picture[:, ::-1] if mirror else picture)
                    names.append(f"{self.train[at].stem}_{i}")
                    mirrored.append(bool(mirror))
            if len(pictures) >= n:
                break
        kind = torch.rand(n)
        cut = moved(to_cut(np.stack(pictures[:n])), size, (0.75, 1.2), kind < self.CROPPED)
        seen = seen_somewhere(cut, backgrounds, kind < self.ALONE, self.OWN)
        return seen, cut[:, 3:], *self.about.of(names[:n], mirrored[:n])

    def validation(self) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
        """Kept pets, cut out and cropped, who they are, and which pairs are not one shot."""
        litters = np.stack([np.load(path) for path in self.val])
        litter, pet, view = np.indices(litters.shape[:3]).reshape(3, -1)
        cut = to_cut(litters.reshape(-1, *litters.shape[3:]))
        return cut_outs(cut), litter * litters.shape[1] + pet, view[:, None] != view


def shipped_dev_pets() -> tuple[torch.Tensor, torch.Tensor, np.ndarray, np.ndarray]:
    """Photos of the shipped pets for choosing, whole and cut out and cropped, at 224 pixels.

    Also the pets, and which pairs count: a query photo against every gallery photo.
    """
    table = datasets.pets(split="dev")
    table = table[table.role != "stranger"]
    whole = [Image.open(path).convert("RGB") for path in table.photo]
    masks = [Image.open(path).convert("L") for path in table["mask"]]
    cuts = [cut_out(*pair, crop=True) for pair in zip(whole, masks, strict=True)]
    query = (table.role == "query").to_numpy()
    whole, cuts = (to_pixels(np.stack([fit(p, 224) for p in ps])) for ps in (whole, cuts))
    return whole, cuts, table.pet.to_numpy(), query[:, None] & ~query
