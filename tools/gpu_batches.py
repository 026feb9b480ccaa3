"""Batches for `gpu_train.py`, made on the GPU: views of photos, pets in coats without end.

Nothing is prepared: every view of a photograph is drawn anew and the teacher is asked about it,
and processes on all cores lay coats that no pet has had over the bare pets, as long as training
goes on.
"""

import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from coat_pets import bodies, lay_coat, litter, take_photo
from describe_pets import describe, mirror_order
from gpu_teacher import Teacher
from pets_and_photos import change_light, moved, seen_somewhere
from PIL import Image
from torch.nn import functional as F
from workers import end_with

from tools.pets.anatomy import make_build

SIDE = 224  # of what the model and the teacher look at
HELD = 160  # pixels along each side of what is held, photographs stretched to a square
KEPT = 12  # bodies for choosing, never trained on


def unpack(stored: np.lib.npyio.NpzFile, name: str) -> list[bytes]:
    """The files that `gpu_pack.py` has put one behind the other."""
    data, ends = stored[name].tobytes(), stored[f"{name}_ends"]
    return [data[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def decode(data: bytes, side: int | None = None) -> np.ndarray:
    """(side, side, 3) uint8, stretched; as it is without `side`."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    return np.asarray(image.resize((side, side), Image.BICUBIC) if side else image)


def on_device(pictures: list[np.ndarray]) -> torch.Tensor:
    """(n, h, w, c) uint8 arrays -> (n, c, h, w) uint8 on the device."""
    device = torch.get_default_device()
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous().to(device)


def to_range(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 -> float32 in [-1, 1]."""
    return pixels.float().div_(127.5).sub_(1)


class Photos:
    """Photographs with their classes; `train` and `val` are rows."""

    def __init__(self, path: Path) -> None:
        stored = np.load(path)
        with ThreadPoolExecutor() as pool:
            files = unpack(stored, "photo")
            self.pixels = on_device(list(pool.map(lambda f: decode(f, HELD), files)))
        device = self.pixels.device
        half = torch.float16 if device.type == "cuda" else torch.float32
        names = sorted(set(stored["label"][stored["train"]]) - {""})
        number = {name: i for i, name in enumerate(names)}
        self.label_names, self.count = stored["label"], len(names)
        self.labels = torch.tensor([number.get(n, -1) for n in stored["label"]], device=device)
        self.aspect = torch.from_numpy(stored["aspect"]).to(device)  # width / height
        self.train, self.val = (
            torch.from_numpy(np.flatnonzero(chosen)).to(device)
            for chosen in (stored["train"], ~stored["train"])
        )
        self.teacher = Teacher([dict(one) for one in stored_layers(stored)], half)
        self.teacher.to(device)
        self.mean = self.axes = None  # of the teacher's features; `settle` says

    def view(self, rows: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        """(n,) rows, (n, 4) middle x, y and half width, height in -1...1 -> (n, 3, 224, 224)."""
        x, y, w, h = boxes.T
        turn = torch.stack([w, 0 * w, x, 0 * w, h, y], 1).view(-1, 2, 3)
        grid = F.affine_grid(turn, [len(rows), 3, SIDE, SIDE], align_corners=False)
        pixels = to_range(self.pixels[rows])
        # outside lies 0, the middle grey of a letterbox
        return F.grid_sample(pixels, grid, mode="bicubic", align_corners=False).clamp_(-1, 1)

    def letterboxes(self, rows: torch.Tensor) -> torch.Tensor:
        aspect, none = self.aspect[rows], torch.zeros(len(rows))
        return torch.stack([none, none, (1 / aspect).clamp(min=1), aspect.clamp(min=1)], 1)

    def crops(self, rows: torch.Tensor) -> torch.Tensor:
        """35 to 100 % of the area, sides between 3:4 and 4:3; three in ten are letterboxes."""
        n, aspect = len(rows), self.aspect[rows]
        area, ratio = torch.rand(n) * 0.65 + 0.35, ((torch.rand(n) * 2 - 1) * 0.29).exp()
        w, h = (area * ratio / aspect).sqrt(), (area / ratio * aspect).sqrt()
        w, h = w.clamp(max=1), h.clamp(max=1)
        x, y = (torch.rand(n) * 2 - 1) * (1 - w), (torch.rand(n) * 2 - 1) * (1 - h)
        boxes = torch.stack([x, y, w, h], 1)
        boxes = torch.where(torch.rand(n, 1) < 0.3, self.letterboxes(rows), boxes)
        mirror = 2.0 * (torch.rand(n) < 0.5) - 1  # a negative width looks backwards
        return torch.cat([boxes[:, :2], boxes[:, 2:3] * mirror[:, None], boxes[:, 3:]], 1)

    def some(self, n: int) -> torch.Tensor:
        return self.train[torch.randint(len(self.train), (n,))]

    def asked(self, pixels: torch.Tensor) -> torch.Tensor:
        """What the teacher says of pixels (n, 3, 224, 224): (n, width) of norm 1."""
        return F.normalize((self.teacher(pixels) - self.mean) @ self.axes, dim=1)

    def batch(self, n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """pixels, the teacher's vectors (n, width), labels (n,) with -1 for none or two photos.

        Of every four views one is blended with another and one has another laid over its left or
        its top; "patient and consistent": Beyer et al., arXiv 2106.05237.
        """
        rows, others = self.some(n), self.some(n)
        kind, at = torch.rand(n, 1, 1, 1), torch.arange(SIDE) / SIDE
        cut = torch.rand(n, 1, 1, 1) * 0.4 + 0.3
        along = torch.where(torch.rand(n, 1, 1, 1) < 0.5, at[:, None], at)
        share = torch.where(kind < 0.25, (torch.rand(n, 1, 1, 1) + 1) / 4, (along < cut).float())
        share = share * (kind < 0.5)
        view, other = (self.view(some, self.crops(some)) for some in (rows, others))
        pixels = view + share * (other - view)
        labels = self.labels[rows].masked_fill(kind.flatten() < 0.5, -1)
        return change_light(pixels, 0.4), self.asked(pixels), labels

    @torch.no_grad()
    def settle(self, embed) -> torch.Tensor:
        """Turn the teacher's principal axes towards the vectors of `embed`.

        Orthogonal Procrustes, Schoenemann 1966. Returns the mean vector of each class.
        """
        views = [self.view(r, self.letterboxes(r)) for r in self.train.split(256)]
        features = torch.cat([self.teacher(view) for view in views])
        ours = torch.cat([embed(view) for view in views])
        self.mean = features.mean(0)
        axes = torch.linalg.eigh((features - self.mean).T @ (features - self.mean))[1]
        self.axes = axes[:, -ours.shape[1] :]
        said = F.normalize((features - self.mean) @ self.axes, dim=1)
        left, _, right = torch.linalg.svd(said.T @ ours, full_matrices=False)
        self.axes, said = self.axes @ left @ right, said @ left @ right
        print(f"cosine of the model to the teacher: {(said * ours).sum(1).mean():.3f}", flush=True)
        labels = self.labels[self.train]
        return torch.stack([said[labels == i].mean(0) for i in range(self.count)])


def stored_layers(stored: np.lib.npyio.NpzFile) -> list[dict[str, np.ndarray]]:
    keys = ("kernel", "scale", "zero", "bias", "step")
    count = sum(name.startswith("kernel_") for name in stored.files)
    return [{key: stored[f"{key}_{i}"] for key in keys} for i in range(count)]


def bare_shot(light: bytes, rest: bytes, what: bytes, box: np.ndarray, meter: float, kind: str):
    """What `gpu_pack.py` has packed of one bare photo: its layers, its places, its light."""
    tone, rest, what = (decode(data).astype(np.float32) for data in (light, rest, what))
    tone = (tone / 255) ** 2.2
    layers = {
        "linear": tone / (1 - tone).clip(0.01),
        "coated": what[..., 1] / 248,
        "labels": what[..., 2].astype(np.uint8),
        "meter": meter,
    }
    here = what[..., 0] > 0
    places = box[0] + rest[here] / 255 * (box[1] - box[0])
    return layers, (places.astype(float), what[..., 0][here].astype(int), here), kind


def coat_for_ever(path: Path, seed: int, finished, parent: int) -> None:
    """Lay new coats over bare pets and hand them on; the work of one process."""
    end_with(parent)
    stored, rng = np.load(path), np.random.default_rng(seed)
    files = list(zip(*(unpack(stored, name) for name in ("light", "rest", "what")), strict=True))
    pet, box, meter, kind = (stored[name] for name in ("pet", "box", "meter", "kind"))
    numbers = np.unique(pet)
    while True:
        number = int(rng.choice(numbers[numbers >= KEPT]))
        turn = int(rng.integers(1, 100_000))
        shots = np.flatnonzero(pet == number)
        shots = [bare_shot(*files[i], box[i], float(meter[i]), str(kind[i])) for i in shots]
        finished.put(coat(number, turn, shots))


def coat(number: int, turn: int, shots: list) -> tuple[np.ndarray, np.ndarray]:
    """One body in eight coats: (8, photos, 160, 160, 4) uint8, and its traits (8, traits)."""
    pets, build = litter(number, turn), make_build(bodies()[number])
    rng = np.random.default_rng([bodies()[number].marking_seed, turn])
    photos = [
        [take_photo(lay_coat(layers, places, pet, build), layers, kind, rng)
         for layers, places, kind in shots]
        for pet in pets
    ]  # fmt: skip
    return np.array(photos), describe(pets)


class Pets:
    """Litters, as they come from the processes that coat them; the oldest are let go."""

    def __init__(self, path: Path, processes: int, room: int, seed: int = 0) -> None:
        context = torch.multiprocessing.get_context("spawn")
        finished = context.Queue(maxsize=2 * processes)
        self.at_work = [
            context.Process(
                target=coat_for_ever, args=(path, 1000 * seed + i, finished, os.getpid())
            )
            for i in range(processes)
        ]
        for process in self.at_work:
            process.start()
        self.made, self.room, self.device = 0, room, torch.get_default_device()
        self.photos = self.numbers = None
        self.mirrored = torch.from_numpy(mirror_order()).to(self.device)
        threading.Thread(target=self._collect, args=(finished,), daemon=True).start()

    def _collect(self, finished) -> None:
        while True:
            photos, numbers = finished.get()
            if self.photos is None:
                kinds = {"dtype": torch.uint8, "device": self.device}
                self.photos = torch.empty((self.room, *photos.shape), **kinds)
                self.numbers = torch.empty((self.room, *numbers.shape), device=self.device)
            place = self.made % self.room
            self.photos[place].copy_(torch.from_numpy(photos))
            self.numbers[place].copy_(torch.from_numpy(numbers))
            self.made += 1

    def stop(self) -> None:
        for process in self.at_work:
            process.kill()

    def __len__(self) -> int:
        return min(self.made, self.room)

    def traits(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of what is there, left and right taken together."""
        there = self.numbers[: len(self)].flatten(0, 1)
        both = torch.cat([there, there[:, self.mirrored]])
        return both.mean(0), both.std(0) + 1e-3

    def batch(self, litters: int, backgrounds: torch.Tensor):
        """Two pairs of litter-mates of each litter, three photos of each pet: n = 12 a litter.

        pixels (n, 3, 224, 224), masks (n, 1, 224, 224), who (n,), traits (n, traits): of a
        mirrored litter those of left and right are swapped.
        """
        which = torch.randperm(len(self))[:litters]
        pair = torch.rand(litters, 4).topk(2).indices
        pet = torch.stack([2 * pair, 2 * pair + 1], 2).flatten(1)
        view = torch.rand(litters, self.photos.shape[2]).topk(3).indices
        at = which[:, None, None], pet[:, :, None], view[:, None, :]
        cut = self.photos[at].flatten(0, 2).permute(0, 3, 1, 2).float()
        cut = torch.cat([cut[:, :3] / 127.5 - 1, cut[:, 3:] / 255], 1)
        mirror = (torch.rand(litters, 1, 1) < 0.5).expand(-1, 4, 3).flatten()
        cut = torch.where(mirror[:, None, None, None], cut.flip(3), cut)
        numbers = self.numbers[at[0], at[1]].expand(-1, -1, 3, -1).flatten(0, 2)
        numbers = torch.where(mirror[:, None], numbers[:, self.mirrored], numbers)
        n = len(cut)
        alone = torch.rand(n) < 0.5
        cut = moved(cut, SIDE, (0.75, 1.2), alone)
        mask = cut[:, 3:]
        rough = (torch.rand(n, 1, 1, 1) < 0.5) & alone[:, None, None, None]
        shown = torch.cat([cut[:, :3], torch.where(rough, cut_badly(mask), mask)], 1)
        who = torch.arange(4 * litters).repeat_interleave(3)
        return seen_somewhere(shown, backgrounds, alone, 0.7), mask, who, numbers


def cut_badly(mask: torch.Tensor) -> torch.Tensor:
    """(n, 1, s, s) masks as a network finds them: edges some pixels off, here and there a hole."""
    size = mask.shape[2]
    soft = F.avg_pool2d(mask, 9, 1, 4)
    waves = F.interpolate(torch.randn(len(mask), 1, 16, 16), size, mode="bicubic")
    return (10 * (soft - 0.5 + 0.2 * torch.rand(len(mask), 1, 1, 1) * waves)).sigmoid()
