"""Surfaces: the smooth union of posed limbs, meshed with surface nets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.pets.anatomy import PART, Limb

CELL = 0.022  # edge of a meshing cell, scene units


def field_distance(limbs: list[Limb], points: np.ndarray) -> np.ndarray:
    """Signed distance of the smooth union (polynomial smooth minimum)."""
    total = np.full(len(points), 1e3)
    for limb in limbs:
        lo, hi = limb.bounds()
        near = np.flatnonzero(((points > lo) & (points < hi)).all(1))
        if len(near):
            total[near] = _smooth_min(total[near], limb.distance(points[near]), limb.blend)
    return total


def _smooth_min(a: np.ndarray, b: np.ndarray, k: float) -> np.ndarray:
    h = np.clip(0.5 + 0.5 * (b - a) / k, 0, 1)
    return b + (a - b) * h - k * h * (1 - h)


def _grid_distance(limbs: list[Limb], lo: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The union sampled on a grid; each limb only touches its own box."""
    total = np.full(shape, 1.0)
    for limb in limbs:
        a, b = limb.bounds()
        i0 = np.maximum(((a - lo) / CELL).astype(int), 0)
        i1 = np.minimum(((b - lo) / CELL).astype(int) + 2, shape)
        axes = [lo[k] + CELL * np.arange(i0[k], i1[k]) for k in range(3)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
        box = tuple(slice(i0[k], i1[k]) for k in range(3))
        d = limb.distance(points).reshape(total[box].shape)
        total[box] = _smooth_min(total[box], d, limb.blend)
    return total


def surface_net(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (in cells) and quads of the zero surface (naive surface nets)."""
    inside = values < 0
    n = np.array(values.shape) - 1
    total, count = np.zeros((*n, 3)), np.zeros(n)
    for axis in range(3):  # each crossed edge is shared by four cells
        head = [slice(None)] * 3
        tail = [slice(None)] * 3
        head[axis], tail[axis] = slice(1, None), slice(None, -1)
        va, vb = values[tuple(tail)], values[tuple(head)]
        at = np.argwhere((va < 0) != (vb < 0))
        f0, f1 = va[tuple(at.T)], vb[tuple(at.T)]
        point = at.astype(float)
        point[:, axis] += f0 / (f0 - f1)
        u, v = [k for k in range(3) if k != axis]
        for du in (0, 1):
            for dv in (0, 1):
                cell = at.copy()
                cell[:, u] -= du
                cell[:, v] -= dv
                ok = ((cell >= 0) & (cell < n)).all(1)
                np.add.at(total, tuple(cell[ok].T), point[ok])
                np.add.at(count, tuple(cell[ok].T), 1)
    index = np.full(n, -1)
    used = count > 0
    index[used] = np.arange(used.sum())
    vertices = total[used] / count[used][:, None]
    return vertices, _net_quads(inside, index)


def _net_quads(inside: np.ndarray, index: np.ndarray) -> np.ndarray:
    """One quad for each grid edge that crosses the surface, facing outwards."""
    quads = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        a = np.take(inside, range(inside.shape[axis] - 1), axis)
        b = np.take(inside, range(1, inside.shape[axis]), axis)
        at = np.argwhere(a != b)
        at = at[(at[:, u] > 0) & (at[:, v] > 0)]
        flip = b[tuple(at.T)]
        corners = []
        for du, dv in ((1, 1), (0, 1), (0, 0), (1, 0)):
            cell = at.copy()
            cell[:, u] -= du
            cell[:, v] -= dv
            corners.append(index[tuple(cell.T)])
        quad = np.stack(corners, 1)
        quad[flip] = quad[flip][:, ::-1]
        quads.append(quad)
    return np.concatenate(quads)


@dataclass
class Body:
    """The posed surface and, for each vertex, where it is at rest."""

    vertices: np.ndarray  # (n, 3) posed
    normals: np.ndarray  # (n, 3) posed, outwards
    quads: np.ndarray  # (m, 4)
    rest: np.ndarray  # (n, 3)
    part: np.ndarray  # (n,) index into PARTS
    flow: np.ndarray  # (n, 3) combing direction, posed


def make_body(limbs: list[Limb]) -> Body:
    """Mesh the posed limbs; follow every vertex back to its place at rest."""
    boxes = [limb.bounds() for limb in limbs]
    lo = np.min([b[0] for b in boxes], 0) - 2 * CELL
    hi = np.max([b[1] for b in boxes], 0) + 2 * CELL
    shape = tuple(((hi - lo) / CELL).astype(int) + 2)
    vertices, quads = surface_net(_grid_distance(limbs, lo, shape))
    vertices = lo + CELL * vertices
    for _ in range(2):  # two Newton steps onto the exact surface
        d, normals = _distance_and_normal(limbs, vertices)
        vertices = vertices - 0.7 * np.clip(d, -CELL / 2, CELL / 2)[:, None] * normals
    distances = np.stack([limb.distance(vertices) for limb in limbs], 1)
    weights = np.exp(-(distances - distances.min(1, keepdims=True)) / 0.015)
    weights /= weights.sum(1, keepdims=True)
    rest = np.zeros_like(vertices)
    for weight, limb in zip(weights.T, limbs, strict=True):
        rest += weight[:, None] * limb.bone.inverse(vertices)
    flow = weights @ np.stack([limb.bone.rotation @ limb.flow for limb in limbs])
    labels = np.array([PART[limb.part] for limb in limbs])
    return Body(vertices, normals, quads, rest, labels[distances.argmin(1)], flow)


def _distance_and_normal(limbs: list[Limb], points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signed distance and its unit gradient (central differences)."""
    eps = 0.004
    gradient = np.stack([
        field_distance(limbs, points + step) - field_distance(limbs, points - step)
        for step in eps * np.eye(3)
    ], 1)  # fmt: skip
    gradient /= np.linalg.norm(gradient, axis=1, keepdims=True) + 1e-9
    return field_distance(limbs, points), gradient


def reach_surface(limbs: list[Limb], start: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Where a ray from inside the body leaves it (both posed)."""
    direction = direction / np.linalg.norm(direction)
    t = np.linspace(0, 1.0, 400)
    outside = field_distance(limbs, start + t[:, None] * direction) > 0
    return start + t[max(int(outside.argmax()), 1)] * direction
