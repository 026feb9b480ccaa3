"""Fur: strands rooted on the body, combed, clumped and coloured like the coat beneath."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.pets.anatomy import PARTS, Build
from tools.pets.coat import coat_colour, value_noise
from tools.pets.plan import Pet
from tools.pets.surface import Body

POINTS = 4  # points a strand
LENGTH = {  # of the individual's fur length
    "head": 0.55, "ear": 0.4, "muzzle": 0.2, "neck": 1.15, "torso": 1.0, "tail": 1.25,
    "front_leg_left": 0.5, "front_leg_right": 0.5, "hind_leg_left": 0.6, "hind_leg_right": 0.6,
}  # fmt: skip


@dataclass
class Fur:
    """Strands as arrays; ``n`` strands of ``POINTS`` points."""

    points: np.ndarray  # (n, POINTS, 3)
    normals: np.ndarray  # (n, 3) of the skin at the root
    colour: np.ndarray  # (n, 3) linear RGB
    part: np.ndarray  # (n,)
    rest: np.ndarray  # (n, 3) the root on the resting body


def _roots(body: Body, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Triangle corners (n, 3) and barycentric weights (n, 3), even by area."""
    triangles = np.concatenate([body.quads[:, [0, 1, 2]], body.quads[:, [0, 2, 3]]])
    a, b, c = (body.vertices[triangles[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    # The face is what one looks at: twice the strands there.
    area *= np.where(body.part[triangles[:, 0]] <= 3, 2.2, 1.0)
    corners = triangles[rng.choice(len(triangles), n, p=area / area.sum())]
    u = np.sort(rng.random((n, 2)), axis=1)
    return corners, np.stack([u[:, 0], u[:, 1] - u[:, 0], 1 - u[:, 1]], 1)


def _unit(v: np.ndarray) -> np.ndarray:
    return v / (np.linalg.norm(v, axis=-1, keepdims=True) + 1e-9)


def _clump_means(rest: np.ndarray, values: np.ndarray, size: float) -> np.ndarray:
    """Mean of ``values`` over the strands of the same small cell."""
    cell = np.floor(rest / size + 0.7 * value_noise(rest / size * 0.7, 3)[:, None]).astype(int)
    key = (cell * np.array([1, 1009, 1009 * 1013])).sum(1)
    _, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
    sums = [np.bincount(inverse, values[:, k]) for k in range(values.shape[1])]
    return (np.stack(sums, 1) / count[:, None])[inverse]


def make_fur(
    pet: Pet, build: Build, body: Body, n: int, bare: list[tuple[np.ndarray, float]], seed: int
) -> Fur:
    """Grow ``n`` strands; none within the ``bare`` spheres (eyes, nose)."""
    rng = np.random.default_rng([seed, 11])
    corners, weight = _roots(body, n, rng)

    def at_root(values: np.ndarray) -> np.ndarray:
        return np.einsum("nk,nkd->nd", weight, values[corners])

    root, rest = at_root(body.vertices), at_root(body.rest)
    normal, flow = _unit(at_root(body.normals)), at_root(body.flow)
    part = body.part[corners[np.arange(n), weight.argmax(1)]]
    keep = np.ones(n, bool)
    for centre, radius in bare:
        keep &= np.linalg.norm(root - centre, axis=1) > radius
    root, rest, normal, flow, part = (v[keep] for v in (root, rest, normal, flow, part))

    scale = np.array([0.0, *(LENGTH[name] for name in PARTS[1:])])[part]
    low = np.clip(rest[:, 2] / 0.2, 0.35, 1)  # paws and shins are short-haired
    length = build.fur * scale * low * rng.uniform(0.7, 1.2, len(root))
    length = np.maximum(length, 0.012)
    flow = flow - (flow * normal).sum(1, keepdims=True) * normal
    noise = np.stack([value_noise(rest * 14, 50 + k) - 0.5 for k in range(3)], 1)
    comb = _unit(flow) + 0.7 * noise + rng.normal(0, 0.16, root.shape)
    lift = np.where(build.fur < 0.04, 0.45, 0.6)
    start = _unit(lift * normal + 0.6 * comb)
    end = _unit(0.22 * normal + comb - np.array([0, 0, 0.25]) * (build.fur > 0.06))
    t = np.linspace(0, 1, POINTS)[None, :, None]
    course = start[:, None] * (1 - t) + end[:, None] * t
    strand = root[:, None] + length[:, None, None] * t * course
    tip = _clump_means(rest, strand[:, -1], 0.014 + 0.2 * build.fur)
    pull = 0.36 * t**1.5 * (build.fur > 0.04)
    strand = strand + pull * (tip - strand[:, -1])[:, None]

    colour = coat_colour(pet, build, rest, part)
    tone = np.exp(rng.normal(0, 0.13, (len(root), 1)) + 0.25 * noise[:, :1])
    return Fur(strand, normal, np.clip(colour * tone, 0.003, 0.9), part, rest)
