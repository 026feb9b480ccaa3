"""Coats: colour as a function of the place on the resting body and of the individual's seed."""

from __future__ import annotations

import numpy as np

from tools.pets.anatomy import PART, Build, make_ears, tail_path, xyz
from tools.pets.plan import Pet

# Linear RGB.
WHITE, CREAM = (0.78, 0.74, 0.68), (0.66, 0.50, 0.32)
BLACK, CHOCOLATE = (0.012, 0.011, 0.012), (0.075, 0.032, 0.016)
TAN, GOLD, RED = (0.38, 0.19, 0.075), (0.52, 0.27, 0.085), (0.32, 0.10, 0.030)
GREY, BLUE, ORANGE = (0.16, 0.15, 0.15), (0.105, 0.12, 0.15), (0.58, 0.235, 0.055)
BROWN, SILVER = (0.20, 0.125, 0.07), (0.36, 0.35, 0.34)
BARE = 0.3  # every colour of the coat "bare", which `tools/coat_pets.py` lays others over
DARK = {"dog": [BLACK, CHOCOLATE, GREY, BROWN], "cat": [BLACK, GREY, BLUE, BROWN]}
LIGHT = {"dog": [TAN, GOLD, RED, CREAM], "cat": [ORANGE, CREAM, SILVER, TAN]}
IRIS = {
    "dog": [(0.13, 0.05, 0.015), (0.2, 0.09, 0.02), (0.07, 0.03, 0.012), (0.2, 0.33, 0.5)],
    "cat": [(0.55, 0.42, 0.03), (0.2, 0.42, 0.08), (0.6, 0.25, 0.02), (0.12, 0.32, 0.55)],
}


def value_noise(points: np.ndarray, seed: int) -> np.ndarray:
    """Smooth random numbers in [0, 1), period of one unit."""
    cell = np.floor(points).astype(np.int64)
    f = points - cell
    f = f * f * (3 - 2 * f)
    total = np.zeros(len(points))
    for corner in np.ndindex(2, 2, 2):
        i = cell + corner
        h = (i * np.array([374761393, 668265263, 2246822519])).sum(1) + seed * 3266489917
        h = ((h & 0xFFFFFFFF) ^ ((h & 0xFFFFFFFF) >> 13)) * 1274126177 & 0xFFFFFFFF
        h = (h ^ (h >> 16)) / 2**32
        total += h * np.where(corner, f, 1 - f).prod(1)
    return total


def fractal_noise(points: np.ndarray, seed: int, octaves: int = 3) -> np.ndarray:
    """Sum of noises of halving size, about in [-1, 1]."""
    waves = [(value_noise(points * 2**k, seed + k) - 0.5) / 2**k for k in range(octaves)]
    return 2 * np.sum(waves, 0)


def _step(x: np.ndarray, soft: float) -> np.ndarray:
    """0 below, 1 above zero, with a soft edge."""
    t = np.clip(x / soft + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


class Painter:
    """Paints markings onto resting surface points, one layer over the other."""

    def __init__(self, pet: Pet, build: Build, rest: np.ndarray, part: np.ndarray) -> None:
        self.pet, self.build, self.rest, self.part = pet, build, rest, part
        self.palette_rng = np.random.default_rng([pet.build_seed, 2])
        self.rng = np.random.default_rng([pet.marking_seed, 3])
        self.noise_seed = int(self.rng.integers(1 << 20))
        self.wobble = fractal_noise(rest * 9, self.noise_seed)
        self.colour = np.zeros((len(rest), 3))
        head = rest - build.head_centre
        self.face = head / build.head  # coordinates in head radii
        self.is_head = np.isin(part, [PART["head"], PART["muzzle"], PART["ear"]])
        self.is_leg = (part >= PART["front_leg_left"]) & (part <= PART["hind_leg_right"])

    def fill(self, colour) -> None:
        """One colour everywhere."""
        self.colour[:] = colour

    def paint(self, colour, amount: np.ndarray) -> None:
        """Lay a colour over, ``amount`` in [0, 1] a point."""
        self.colour += amount[:, None] * (np.asarray(colour) - self.colour)

    def blob(self, centre, radius: float, wobble: float = 0.35, soft: float = 0.02) -> np.ndarray:
        """Amount of a round mark with a wavy edge."""
        gap = np.linalg.norm(self.rest - centre, axis=1)
        return _step(radius * (1 + wobble * self.wobble) - gap, soft)

    def blobs(self, colour, n: int, radius: tuple[float, float], wobble: float = 0.4) -> None:
        """Round marks at random places of trunk, head and thighs."""
        pool = self.anchors()
        for _ in range(n):
            centre = pool[self.rng.integers(len(pool))] + self.rng.normal(0, 0.03, 3)
            self.paint(colour, self.blob(centre, self.rng.uniform(*radius), wobble))

    def anchors(self) -> np.ndarray:
        """Fixed points around the body; independent of the mesh, so of the photo."""
        b = self.build
        turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        z = b.leg + 0.45 * b.chest
        rings = [
            np.stack([b.chest * np.cos(turn), 0 * turn + y, z + b.chest * np.sin(turn)], 1)
            for y in np.linspace(-b.body / 2, b.body / 2, 6)
        ]
        ways = [(0.7, -0.5, 0.3), (-0.7, -0.5, 0.3), (0, 0, 1), (0.6, 0.6, 0.3), (-0.6, 0.6, 0.3)]
        face = b.head_centre + b.head * np.array(ways)
        ring = np.concatenate(rings)
        # The underside is hardly ever seen: marks there would be wasted.
        return np.concatenate([ring[ring[:, 2] > z - 0.6 * b.chest], face, face])

    def socks(self, colour, heights: np.ndarray) -> None:
        """Coloured feet; heights in scene units, left front first."""
        legs = range(PART["front_leg_left"], PART["tail"])
        for part, height in zip(legs, heights, strict=True):
            top = height + 0.02 * self.wobble - self.rest[:, 2]
            self.paint(colour, _step(top, 0.02) * (self.part == part))

    def bib(self, colour, size: float) -> None:
        """Breast and throat."""
        b = self.build
        centre = np.array([0, -b.body / 2 - b.chest, b.leg + 0.35 * b.chest])
        amount = self.blob(centre, b.chest * size, 0.25)
        throat = b.head_centre + xyz(0, -0.2 * b.head, -1.15 * b.head)
        amount = np.maximum(amount, self.blob(throat, 0.6 * b.head * size, 0.2) * ~self.is_head)
        self.paint(colour, amount)

    def blaze(self, colour, width: float, lean: float = 0.0) -> None:
        """A stripe up the face, opening over the muzzle."""
        x, y, z = self.face.T
        half = width * (1 + 1.6 * np.clip(-z, 0, 0.6)) + 0.06 * self.wobble
        on_face = _step(-y - 0.1, 0.2) * self.is_head * (self.part != PART["ear"])
        self.paint(colour, _step(half - np.abs(x - lean * z), 0.06) * on_face)

    def snout(self, colour) -> None:
        """Muzzle and chin."""
        x, y, z = self.face.T
        gap = np.sqrt(x**2 + ((y + 1.1) * 0.8) ** 2 + ((z + 0.45) * 1.2) ** 2)
        self.paint(colour, _step(0.62 + 0.12 * self.wobble - gap, 0.08) * self.is_head)

    def eye_patch(self, colour, side: float, size: float) -> None:
        """A round patch over one eye."""
        centre = self.build.head_centre + self.build.head * np.array([side * 0.45, -0.75, 0.22])
        self.paint(colour, self.blob(centre, size * self.build.head, 0.3) * self.is_head)

    def ears(self, colour) -> None:
        """Both ears."""
        self.paint(colour, (self.part == PART["ear"]).astype(float))

    def tail_tip(self, colour, length: float) -> None:
        """The last stretch of the tail; length as a share of the tail."""
        path = tail_path(self.build, self.pet.tail, 24)
        nearest = np.linalg.norm(self.rest[:, None] - path, axis=2).argmin(1) / 23
        self.paint(colour, _step(nearest - (1 - length), 0.1) * (self.part == PART["tail"]))

    def underside(self, colour, height: float) -> None:
        """Belly, from below up to a share of the trunk's depth, legs included."""
        b = self.build
        level = b.leg + 0.45 * b.chest + (2 * height - 1) * b.chest
        low = level + 0.05 * self.wobble - self.rest[:, 2]
        self.paint(colour, _step(low, 0.03) * ~self.is_head * (self.part != PART["tail"]))

    def stripes(self, colour) -> None:
        """Tabby: bands round the trunk, rings on legs and tail, lines on the forehead."""
        x, y, z = self.rest.T
        warp = 0.55 * fractal_noise(self.rest * 4, self.noise_seed + 9) + 0.12 * self.wobble
        freq = self.rng.uniform(42, 62)
        b = self.build
        band = np.sin(freq * (y + 0.3 * np.abs(x)) + 6 * warp)
        band = np.where(self.is_leg & (z < b.leg * 0.9), np.sin(70 * z + 2 * warp), band)
        path = tail_path(b, self.pet.tail, 24)
        along = np.linalg.norm(self.rest[:, None] - path, axis=2).argmin(1) / 23
        band = np.where(self.part == PART["tail"], np.sin(36 * along + warp), band)
        fx, _, fz = self.face.T
        lines = np.cos(15 * fx * (1 + 0.3 * np.abs(fz)) + 1.2 * warp)
        sides = np.sin(13 * fz + 5 * np.abs(fx) + warp)
        cheeks = np.where(np.abs(fx) > 0.5, sides, -1)
        head = np.where((fz > 0.2) & (np.abs(fx) < 0.62), lines, cheeks)
        band = np.where(self.is_head, head, band)
        self.paint(colour, 0.88 * _step(band - self.rng.uniform(-0.1, 0.3), 0.5))
        spine = _step(0.035 - np.abs(x), 0.03) * (self.part == PART["torso"])
        self.paint(colour, 0.8 * spine * (self.rest[:, 2] > b.leg + b.chest))

    def inner_ears(self) -> None:
        """Pink skin showing through on the open side of upright ears."""
        r = self.build.head
        for limb in make_ears(self.build, self.pet):
            axis = limb.b - limb.a
            p = self.rest - limb.a
            t = np.clip(p @ axis / (axis @ axis), 0, 1)
            off = p - t[:, None] * axis
            front = off @ limb.thin
            across = np.linalg.norm(off - front[:, None] * limb.thin, axis=1)
            radius = limb.ra + t * (limb.rb - limb.ra)
            open_side = _step(front - 0.1 * limb.flat * radius, 0.02 * r)
            inside = _step(0.72 * radius - across, 0.15 * r) * open_side
            self.paint((0.55, 0.27, 0.22), 0.75 * inside * (self.part == PART["ear"]))


def coat_colour(pet: Pet, build: Build, rest: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Linear RGB of the coat at resting surface points, shape (n, 3)."""
    if pet.coat == "bare":
        return np.full((len(rest), 3), BARE)
    p = Painter(pet, build, rest, part)
    prng = p.palette_rng
    jitter = prng.uniform(0.8, 1.25)
    dark = np.array(DARK[pet.species][prng.integers(4)]) * jitter
    light = np.array(LIGHT[pet.species][prng.integers(4)]) * prng.uniform(0.85, 1.15)
    main = dark if prng.random() < 0.5 else light
    _COATS[pet.coat](p, main, dark, light)
    if pet.ears == "prick":
        p.inner_ears()
    shade = 1 + 0.16 * fractal_noise(rest * 5, p.noise_seed + 40)
    return np.clip(p.colour * shade[:, None], 0.004, 0.85)


def _plain(p: Painter, main, dark, light) -> None:
    main = WHITE if p.palette_rng.random() < 0.2 else main
    p.fill(main)
    p.underside(np.asarray(main) * 1.25, 0.3)


def _bicolour(p: Painter, main, dark, light) -> None:
    p.fill(main)
    p.underside(WHITE, p.rng.uniform(0.3, 0.62))
    p.snout(WHITE)
    p.bib(WHITE, p.rng.uniform(0.9, 1.3))
    if p.rng.random() < 0.7:
        p.blaze(WHITE, p.rng.uniform(0.06, 0.28), p.rng.uniform(-0.25, 0.25))
    p.blobs(WHITE, p.rng.integers(0, 4), (0.07, 0.17))
    if p.rng.random() < 0.5:
        p.tail_tip(WHITE, p.rng.uniform(0.2, 0.6))


def _tuxedo(p: Painter, main, dark, light) -> None:
    p.fill(dark)
    p.bib(WHITE, p.rng.uniform(0.75, 1.25))
    p.socks(WHITE, p.rng.choice([0.0, 0.09, 0.16, 0.26], 4))
    if p.rng.random() < 0.6:
        p.snout(WHITE)
    if p.rng.random() < 0.5:
        p.blaze(WHITE, p.rng.uniform(0.05, 0.16), p.rng.uniform(-0.2, 0.2))
    if p.rng.random() < 0.4:
        p.tail_tip(WHITE, p.rng.uniform(0.15, 0.35))


def _patches(p: Painter, main, dark, light) -> None:
    p.fill(WHITE)
    p.blobs(main, p.rng.integers(4, 8), (0.1, 0.2))
    if p.rng.random() < 0.6:
        p.ears(main)
    p.eye_patch(main, p.rng.choice([-1, 1]), p.rng.uniform(0.4, 0.75))
    p.tail_tip(main if p.rng.random() < 0.5 else WHITE, p.rng.uniform(0.3, 1))


def _spots(p: Painter, main, dark, light) -> None:
    p.fill(WHITE)
    spots = p.rng.uniform([-0.3, -0.8, 0], [0.3, 0.6, 1.1], (240, 3))
    radius = p.rng.uniform(0.018, 0.05, 240) * p.rng.uniform(0.8, 1.3)
    gap = np.full(len(p.rest), 9.0)
    for centre, r in zip(spots, radius, strict=True):
        gap = np.minimum(gap, np.linalg.norm(p.rest - centre, axis=1) - r)
    p.paint(dark, _step(0.012 * p.wobble - gap, 0.012))
    if p.rng.random() < 0.6:
        p.ears(dark)
    if p.rng.random() < 0.4:
        p.eye_patch(dark, p.rng.choice([-1, 1]), 0.5)


def _merle(p: Painter, main, dark, light) -> None:
    p.fill(SILVER)
    mottle = fractal_noise(p.rest * 11, p.noise_seed + 5)
    p.paint(GREY, _step(mottle + 0.1, 0.3) * 0.7)
    p.blobs(BLACK, p.rng.integers(9, 16), (0.04, 0.1), 0.7)
    p.socks(light, p.rng.choice([0.1, 0.18, 0.25], 4))
    p.bib(WHITE, p.rng.uniform(0.8, 1.2))
    if p.rng.random() < 0.6:
        p.blaze(WHITE, p.rng.uniform(0.06, 0.2), p.rng.uniform(-0.2, 0.2))
    p.eye_patch(BLACK, p.rng.choice([-1, 1]), p.rng.uniform(0.35, 0.55))


def _socks(p: Painter, main, dark, light) -> None:
    p.fill(main)
    heights = p.rng.choice([0.0, 0.1, 0.18, 0.3], 4)
    heights[p.rng.integers(4)] = 0.22
    p.socks(WHITE, heights)
    if p.rng.random() < 0.5:
        p.bib(WHITE, p.rng.uniform(0.5, 0.9))
    if p.rng.random() < 0.6:
        p.tail_tip(WHITE, p.rng.uniform(0.15, 0.4))
    if p.rng.random() < 0.4:
        p.snout(WHITE)
    if p.rng.random() < 0.3:
        p.eye_patch(WHITE, p.rng.choice([-1, 1]), 0.4)


def _mask(p: Painter, main, dark, light) -> None:
    p.fill(light)
    p.snout(np.array(BLACK) * 1.6)
    reach = p.rng.uniform(0.35, 0.6)
    for side in (-1, 1):
        p.eye_patch(np.array(BLACK) * 1.6, side, reach)
    if p.rng.random() < 0.7:
        p.ears(np.array(BLACK) * 1.6)
    p.socks(WHITE if p.rng.random() < 0.5 else dark, p.rng.choice([0.0, 0.1, 0.2], 4))
    p.blobs(dark, p.rng.integers(0, 3), (0.07, 0.14))
    if p.rng.random() < 0.5:
        p.bib(WHITE, p.rng.uniform(0.5, 1.0))


def _saddle(p: Painter, main, dark, light) -> None:
    p.fill(light)
    b = p.build
    level = b.leg + 0.45 * b.chest + p.rng.uniform(-0.3, 0.35) * b.chest
    trunk = np.isin(p.part, [PART["torso"], PART["tail"]])
    p.paint(dark, _step(p.rest[:, 2] - level + 0.07 * p.wobble, 0.04) * trunk)
    if p.rng.random() < 0.5:
        p.socks(WHITE, p.rng.choice([0.0, 0.1, 0.2], 4))
    if p.rng.random() < 0.6:
        p.ears(dark)
    if p.rng.random() < 0.5:
        p.blaze(WHITE, p.rng.uniform(0.08, 0.2), p.rng.uniform(-0.2, 0.2))
        p.snout(WHITE)
    p.tail_tip(WHITE if p.rng.random() < 0.5 else dark, 0.3)
    p.blobs(WHITE, p.rng.integers(0, 3), (0.05, 0.12))


def _tabby(p: Painter, main, dark, light) -> None:
    base, line = [(ORANGE, RED), (SILVER, BLACK), (BROWN, BLACK), (TAN, CHOCOLATE)][
        p.palette_rng.integers(4)
    ]
    p.fill(np.array(base) * 1.1)
    p.stripes(np.array(line) * 1.3)
    p.snout(np.minimum(np.array(base) * 1.9, 0.75))
    if p.rng.random() < 0.4:
        p.bib(WHITE, p.rng.uniform(0.7, 1.1))
    if p.rng.random() < 0.5:
        p.socks(WHITE, p.rng.choice([0.0, 0.08, 0.15, 0.22], 4))


def _calico(p: Painter, main, dark, light) -> None:
    p.fill(WHITE)
    p.blobs(ORANGE, p.rng.integers(4, 7), (0.09, 0.18))
    p.blobs(np.array(BLACK) * 1.5, p.rng.integers(4, 7), (0.08, 0.16))
    side = p.rng.choice([-1, 1])
    p.eye_patch(ORANGE, side, p.rng.uniform(0.5, 0.8))
    p.eye_patch(np.array(BLACK) * 1.5, -side, p.rng.uniform(0.3, 0.7))
    p.tail_tip(ORANGE if p.rng.random() < 0.5 else BLACK, p.rng.uniform(0.4, 1))
    p.snout(WHITE)


def _points(p: Painter, main, dark, light) -> None:
    p.fill(np.array(CREAM) * 1.05)
    point = np.array(CHOCOLATE if p.palette_rng.random() < 0.6 else GREY) * 1.1
    x, y, z = p.face.T
    gap = np.sqrt(x**2 + ((y + 0.9) * 0.7) ** 2 + (z + 0.15) ** 2)
    p.paint(point, _step(p.rng.uniform(0.5, 0.85) + 0.1 * p.wobble - gap, 0.3) * p.is_head)
    p.ears(point)
    p.socks(point, p.rng.uniform(0.1, 0.3, 4))
    p.tail_tip(point, 1)
    if p.rng.random() < 0.4:
        p.blaze(WHITE, p.rng.uniform(0.05, 0.15), p.rng.uniform(-0.2, 0.2))
    if p.rng.random() < 0.5:
        p.socks(WHITE, p.rng.choice([0.0, 0.06, 0.1], 4))


_COATS = {
    "plain": _plain, "bicolour": _bicolour, "tuxedo": _tuxedo, "patches": _patches,
    "spots": _spots, "merle": _merle, "socks": _socks, "mask": _mask, "saddle": _saddle,
    "tabby": _tabby, "calico": _calico, "points": _points,
}  # fmt: skip
