"""Anatomy: proportions of an individual and the tapered capsules its body is made of.

Axes at rest: the pet faces -Y, its left side is +X, the ground is z = 0. One unit is about the
length of a medium dog.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tools.pets.plan import Pet

PARTS = [
    "background", "head", "ear", "muzzle", "neck", "torso", "front_leg_left", "front_leg_right",
    "hind_leg_left", "hind_leg_right", "tail",
]  # fmt: skip
PART = {name: i for i, name in enumerate(PARTS)}
BACKWARDS = np.array([0, 1.0, 0.1])  # fur of the face


def xyz(x: float, y: float, z: float) -> np.ndarray:
    """A vector."""
    return np.array([x, y, z], float)


@dataclass
class Build:
    """Proportions of one individual, in scene units."""

    body: float
    leg: float
    chest: float
    rump: float
    head: float
    head_width: float
    muzzle: float
    muzzle_width: float
    neck: float
    ear: float
    limb: float
    tail: float
    fur: float

    @property
    def head_centre(self) -> np.ndarray:
        """Centre of the skull at rest."""
        up = self.leg + 0.55 * self.chest + self.neck + 0.55 * self.head
        return np.array([0, -self.body / 2 - 0.55 * self.head - 0.35 * self.neck, up])

    @property
    def height(self) -> float:
        """Ground to the top of the skull."""
        return float(self.head_centre[2] + self.head)


def make_build(pet: Pet) -> Build:
    """Draw the proportions from the build seed."""
    rng = np.random.default_rng([pet.build_seed, 1])
    u = rng.uniform
    if pet.species == "cat":
        chest = u(0.135, 0.18)
        return Build(
            body=u(0.42, 0.56), leg=u(0.27, 0.36), chest=chest, rump=chest * u(0.92, 1.1),
            head=u(0.175, 0.205), head_width=u(1.05, 1.2), muzzle=u(0.0, 0.04),
            muzzle_width=u(0.9, 1.1), neck=u(0.05, 0.09), ear=u(0.75, 1.15), limb=u(0.72, 0.9),
            tail=u(0.5, 0.7), fur=rng.choice([0.035, 0.045, 0.09]),
        )  # fmt: skip
    chest = u(0.16, 0.23)
    return Build(
        body=u(0.46, 0.75), leg=u(0.2, 0.5), chest=chest, rump=chest * u(0.78, 0.95),
        head=u(0.175, 0.22), head_width=u(0.94, 1.08), muzzle=u(0.05, 0.2),
        muzzle_width=u(0.85, 1.15), neck=u(0.06, 0.16), ear=u(0.7, 1.3), limb=u(0.85, 1.15),
        tail=u(0.3, 0.5), fur=rng.choice([0.03, 0.045, 0.07, 0.11]),
    )  # fmt: skip


@dataclass
class Bone:
    """A rigid motion from rest to pose: ``x -> rotation @ x + shift``."""

    rotation: np.ndarray = field(default_factory=lambda: np.eye(3))
    shift: np.ndarray = field(default_factory=lambda: np.zeros(3))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return points @ self.rotation.T + self.shift

    def inverse(self, points: np.ndarray) -> np.ndarray:
        """From pose back to rest."""
        return (points - self.shift) @ self.rotation

    def then(self, other: Bone) -> Bone:
        """This motion followed by ``other``."""
        return Bone(other.rotation @ self.rotation, other(self.shift))


@dataclass
class Limb:
    """A tapered capsule from ``a`` to ``b``, or an ellipsoid when ``radii`` is given."""

    part: str
    a: np.ndarray
    b: np.ndarray
    ra: float
    rb: float
    blend: float  # how softly it melts into the rest, scene units
    flow: np.ndarray  # direction in which fur is combed, at rest
    radii: np.ndarray | None = None
    thin: np.ndarray | None = None  # unit axis along which it is flattened
    flat: float = 1.0
    bone: Bone = field(default_factory=Bone)

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Approximate signed distance of posed points, negative inside."""
        p = self.bone.inverse(points) - self.a
        if self.radii is not None:
            k0 = np.linalg.norm(p / self.radii, axis=-1)
            k1 = np.linalg.norm(p / self.radii**2, axis=-1)
            return k0 * (k0 - 1) / np.maximum(k1, 1e-9)
        if self.thin is not None:
            p = p + np.outer(p @ self.thin, self.thin) * (1 / self.flat - 1)
        axis = self.b - self.a
        t = np.clip(p @ axis / (axis @ axis), 0, 1)
        gap = np.linalg.norm(p - t[:, None] * axis, axis=-1)
        return (gap - (self.ra + t * (self.rb - self.ra))) * self.flat

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Box around the posed limb, blend included."""
        reach = max(self.ra, self.rb) if self.radii is None else self.radii.max()
        ends = self.bone(np.stack([self.a, self.b]))
        return ends.min(0) - reach - self.blend, ends.max(0) + reach + self.blend


def _capsule(part: str, a, b, ra: float, rb: float, blend: float = 0.05, **more) -> Limb:
    a, b = np.asarray(a, float), np.asarray(b, float)
    more.setdefault("flow", (b - a) / (np.linalg.norm(b - a) + 1e-9))
    return Limb(part, a, b, ra, rb, blend, **more)


def _ellipsoid(part: str, centre, radii, flow, blend: float = 0.05) -> Limb:
    c, r = np.asarray(centre, float), np.asarray(radii, float)
    return Limb(part, c, c, 0, 0, blend, np.asarray(flow, float), radii=r)


def _torso(b: Build) -> list[Limb]:
    back = np.array([0, 0.9, -0.4])
    z = b.leg + 0.45 * b.chest
    front, rear = -b.body / 2, b.body / 2
    neck_top = b.head_centre + xyz(0, 0.3 * b.head, -0.35 * b.head)
    return [
        _capsule("torso", (0, front + 0.04, z), (0, rear - 0.04, z + 0.02), b.chest, b.rump, 0.1,
                 flow=back),
        _ellipsoid("torso", (0, front + 0.02, z - 0.03), (b.chest * 0.85, b.chest, b.chest * 1.1),
                   (0, 0.3, -1), 0.08),
        _capsule("neck", (0, front + 0.02, z + 0.3 * b.chest), neck_top, 0.8 * b.chest,
                 0.68 * b.head, 0.08, flow=np.array([0, 0.5, -0.8])),
    ]  # fmt: skip


def _head(b: Build, species: str) -> list[Limb]:
    c, r = b.head_centre, b.head
    w = b.head_width
    limbs = [_ellipsoid("head", c, (r * w, r * 0.95, r * 0.92), BACKWARDS)]
    for side in (-1, 1):
        cheek = c + xyz(side * 0.5 * r * w, -0.35 * r, -0.3 * r)
        limbs.append(_ellipsoid("head", cheek, (0.48 * r,) * 3, (side * 0.6, 0.7, -0.4), 0.06))
    return [*limbs, *(_cat_muzzle(b) if species == "cat" else _dog_muzzle(b))]


def _cat_muzzle(b: Build) -> list[Limb]:
    """Two whisker pads, a chin and the bridge of the nose."""
    c, r = b.head_centre, b.head
    tip = c + xyz(0, -(0.8 * r + b.muzzle), -0.33 * r)
    bridge = c + xyz(0, -0.7 * r, 0)
    limbs = []
    for side in (-1, 1):
        pad = c + xyz(side * 0.19 * r, -0.87 * r - b.muzzle, -0.36 * r)
        radii = np.array([0.27, 0.25, 0.22]) * r
        limbs.append(_ellipsoid("muzzle", pad, radii, (side * 0.8, 0.4, 0), 0.03))
    chin = c + xyz(0, -0.78 * r, -0.6 * r)
    return [
        *limbs,
        _ellipsoid("muzzle", chin, (0.2 * r,) * 3, (0, 0.5, -0.5), 0.04),
        _capsule("muzzle", bridge, tip + xyz(0, 0, 0.12 * r), 0.2 * r, 0.13 * r, flow=BACKWARDS),
    ]


def _dog_muzzle(b: Build) -> list[Limb]:
    """Snout, lower jaw and brow ridges."""
    c, r, w = b.head_centre, b.head, b.muzzle_width
    root, tip = c + xyz(0, -0.5 * r, -0.25 * r), c + xyz(0, -(0.8 * r + b.muzzle), -0.33 * r)
    hinge, jaw = c + xyz(0, -0.4 * r, -0.5 * r), tip + xyz(0, 0.12 * r, -0.24 * r)
    limbs = [
        _capsule("muzzle", root, tip, 0.52 * r * w, 0.34 * r * w, flow=BACKWARDS),
        _capsule("muzzle", hinge, jaw, 0.36 * r * w, 0.2 * r * w, 0.03, flow=BACKWARDS),
    ]
    for side in (-1, 1):
        brow = c + xyz(side * 0.38 * r, -0.72 * r, 0.38 * r)
        limbs.append(_ellipsoid("head", brow, (0.2 * r,) * 3, BACKWARDS, 0.06))
    return limbs


def make_ears(b: Build, pet: Pet) -> list[Limb]:
    """Both ears at rest: upright, hanging, or folded over."""
    kind, species = pet.ears, pet.species
    c, r, w = b.head_centre, b.head, b.head_width
    limbs = []
    for s in (-1, 1):
        if kind == "prick":
            lean = 0.2 if species == "dog" else 0.28
            base = c + xyz(s * 0.52 * r * w, 0.0, 0.6 * r)
            tip = base + np.array([s * lean * r, 0.05 * r, 0.95 * r * b.ear])
            thin = np.array([s * 0.45, -0.9, 0.0])
            limbs.append(_capsule("ear", base, tip, 0.4 * r, 0.05 * r, 0.03,
                                  thin=thin / np.linalg.norm(thin), flat=0.34))  # fmt: skip
        elif kind == "flop":
            base = c + xyz(s * 0.78 * r * w, 0.1 * r, 0.5 * r)
            tip = base + np.array([s * 0.3 * r, -0.1 * r, -(0.35 + 0.7 * b.ear) * r])
            limbs.append(_capsule("ear", base, tip, 0.2 * r, 0.36 * r, 0.03,
                                  thin=np.array([s * 0.96, 0.1, 0.26]), flat=0.32))  # fmt: skip
        else:
            base = c + xyz(s * 0.55 * r * w, 0.1 * r, 0.62 * r)
            fold = base + np.array([s * 0.3 * r, -0.05 * r, 0.42 * r * b.ear])
            tip = fold + np.array([s * 0.25 * r, -0.42 * r, -0.42 * r * b.ear])
            thin = np.array([s * 0.4, -0.9, 0.2])
            thin /= np.linalg.norm(thin)
            limbs.append(_capsule("ear", base, fold, 0.32 * r, 0.24 * r, 0.03, thin=thin, flat=0.4))
            thin = np.array([s * 0.3, -0.6, 0.74])
            thin /= np.linalg.norm(thin)
            limbs.append(_capsule("ear", fold, tip, 0.24 * r, 0.08 * r, 0.03, thin=thin, flat=0.45))
    return limbs


def _legs(b: Build) -> list[Limb]:
    limbs = []
    down = np.array([0, 0.1, -1.0])
    t = b.limb
    for name, s in (("left", 1), ("right", -1)):
        x, y = s * 0.6 * b.chest, -b.body / 2 + 0.05
        joints = [(x * 0.9, y, b.leg + 0.06), (x, y + 0.03, b.leg * 0.55), (x, y, 0.09)]
        part = f"front_leg_{name}"
        limbs += [
            _capsule(part, joints[0], joints[1], 0.11 * t, 0.072 * t, 0.06, flow=down),
            _capsule(part, joints[1], joints[2], 0.072 * t, 0.058 * t, 0.02, flow=down),
            _ellipsoid(part, (x, y - 0.04, 0.045), np.array([0.072, 0.1, 0.055]) * t,
                       (0, -0.6, -0.3), 0.03),
        ]  # fmt: skip
        x, y = s * 0.62 * b.rump, b.body / 2 - 0.06
        joints = [(x * 0.85, y, b.leg + 0.07), (x, y - 0.06, b.leg * 0.62),
                  (x, y + 0.08, b.leg * 0.34 + 0.02), (x, y + 0.05, 0.08)]  # fmt: skip
        part = f"hind_leg_{name}"
        limbs += [
            _capsule(part, joints[0], joints[1], 0.14 * t, 0.1 * t, 0.07, flow=down),
            _capsule(part, joints[1], joints[2], 0.095 * t, 0.055 * t, 0.03, flow=down),
            _capsule(part, joints[2], joints[3], 0.056 * t, 0.052 * t, 0.02, flow=down),
            _ellipsoid(part, (x, y + 0.0, 0.045), np.array([0.072, 0.105, 0.055]) * t,
                       (0, -0.6, -0.3), 0.03),
        ]  # fmt: skip
    return limbs


def tail_path(b: Build, kind: str, n: int = 7) -> np.ndarray:
    """Points along the tail at rest, base first."""
    s = np.linspace(0, 1, n)
    base = np.array([0, b.body / 2 + 0.5 * b.rump, b.leg + 0.45 * b.chest + 0.55 * b.rump])
    turn = {"sabre": (25, 55), "curl": (70, 290), "plume": (15, 95), "bob": (40, 20),
            "up": (60, 40), "low": (-55, 110), "hook": (50, 190)}[kind]  # fmt: skip
    length = b.tail * {"bob": 0.3}.get(kind, 1.0)
    angle = np.radians(turn[0] + turn[1] * s)
    if kind == "hook":  # straight up, then the tip bends over
        angle = np.radians(70 + 130 * np.clip(s - 0.6, 0, 1) * 2)
    steps = np.stack([0 * s, np.cos(angle), np.sin(angle)], 1) * length / (n - 1)
    return base + np.concatenate([np.zeros((1, 3)), np.cumsum(steps[:-1], 0)])


def _tail(b: Build, pet: Pet) -> list[Limb]:
    path = tail_path(b, pet.tail)
    thick = (0.058, 0.035) if pet.species == "dog" else (0.045, 0.038)
    radii = np.linspace(*thick, len(path)) * b.limb
    return [
        _capsule("tail", path[i], path[i + 1], radii[i], radii[i + 1], 0.03)
        for i in range(len(path) - 1)
    ]


def make_limbs(pet: Pet, b: Build) -> list[Limb]:
    """The body at rest."""
    return [*_torso(b), *_legs(b), *_tail(b, pet), *_head(b, pet.species),
            *make_ears(b, pet)]  # fmt: skip
