"""Poses: a rigid motion (bone) for every limb, standing or sitting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.pets.anatomy import PARTS, Bone, Build, Limb, xyz


def rotation(axis: str, degrees: float) -> np.ndarray:
    """Rotation matrix about a coordinate axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def about(pivot: np.ndarray, matrix: np.ndarray) -> Bone:
    """Rotation about a point."""
    return Bone(matrix, pivot - matrix @ pivot)


@dataclass(frozen=True)
class Pose:
    """Angles in degrees; ``stride`` swings the legs, ``sit`` folds the hind ones."""

    sit: bool
    head_yaw: float
    head_pitch: float
    head_tilt: float
    stride: float
    wag: float


def _align(a, b, a_new, b_new) -> Bone:
    """Rigid motion taking segment ab onto the line of the new one, with the least turn."""
    u = (b - a) / np.linalg.norm(b - a)
    v = (b_new - a_new) / np.linalg.norm(b_new - a_new)
    w = np.cross(u, v)
    k = np.array([[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]])
    matrix = np.eye(3) + k + k @ k / (1 + u @ v + 1e-9)
    return Bone(matrix, a_new - matrix @ a)


def sit_angle(b: Build) -> float:
    """Degrees by which the trunk rises when sitting with straight front legs."""
    reach = b.body - 0.1
    rise = (b.leg + 0.06) - (0.55 * b.rump + 0.03)
    return float(np.degrees(np.arcsin(np.clip(rise / reach, -1, 0.75))))


def pose_limbs(limbs: list[Limb], b: Build, pose: Pose) -> None:
    """Set the bone of every limb."""
    hip = np.array([0, b.body / 2 - 0.06, b.leg + 0.07])
    trunk = Bone()
    if pose.sit:
        drop = Bone(shift=np.array([0, 0, 0.55 * b.rump + 0.05 - hip[2]]))
        trunk = about(hip, rotation("x", -sit_angle(b))).then(drop)
    pivot = b.head_centre + xyz(0, 0.45 * b.head, -0.6 * b.head)
    turn = rotation("z", pose.head_yaw) @ rotation("x", pose.head_pitch)
    turn = turn @ rotation("y", pose.head_tilt)
    head = about(pivot, turn)
    # When the trunk rises the neck swings back upright, so the face stays level.
    level = about(np.array([0, -b.body / 2, b.leg + 0.3 * b.chest]),
                  rotation("x", sit_angle(b) if pose.sit else 0))  # fmt: skip
    neck = level.then(trunk)
    tail_root = np.array([0, b.body / 2 + 0.4 * b.rump, b.leg + 0.5 * b.chest])
    lift = -35 if pose.sit else 0
    tail = about(tail_root, rotation("z", pose.wag) @ rotation("x", lift)).then(trunk)
    for limb in limbs:
        if limb.part in ("head", "ear", "muzzle"):
            limb.bone = head.then(neck)
        elif limb.part == "neck":
            limb.bone = _align(limb.a, limb.b, trunk(limb.a), neck(limb.b))
        elif limb.part == "tail":
            limb.bone = tail
        elif limb.part == "torso":
            limb.bone = trunk
    for i, part in enumerate(PARTS[6:10]):
        leg = [limb for limb in limbs if limb.part == part]
        swing = pose.stride * (1 if i in (0, 3) else -1)
        (_sit_leg if pose.sit else _swing_leg)(leg, trunk, swing)


def _swing_leg(leg: list[Limb], trunk: Bone, swing: float) -> None:
    """A standing leg turns about its upper joint."""
    bone = about(leg[0].a, rotation("x", swing)).then(trunk)
    for limb in leg:
        limb.bone = bone
    foot = leg[-1]
    foot.bone = Bone(shift=bone(foot.a) - foot.a)


def _sit_leg(leg: list[Limb], trunk: Bone, swing: float) -> None:
    """Front legs straight down from the raised shoulder; hind legs folded on the ground."""
    top = trunk(leg[0].a)
    foot = leg[-1]
    if foot.part.startswith("front"):
        ground = np.array([top[0], top[1] + swing * 0.001, foot.a[2]])
        knee = (top + ground) / 2 + xyz(0, 0.02, 0)
        ankle = ground + xyz(0, 0.035, 0.04)
        joints = [top, knee, ankle]
    else:
        x = np.sign(top[0])
        knee = top + np.array([x * 0.07, -0.2, 0.0])
        ankle = np.array([knee[0], top[1] + 0.02, 0.055])
        toes = np.array([knee[0] + x * 0.01, knee[1] + 0.02, 0.05])
        ground = toes - [0, 0.04, 0]
        joints = [top, knee, ankle, toes]
    for i, limb in enumerate(leg[:-1]):
        limb.bone = _align(limb.a, limb.b, joints[i], joints[i + 1])
        limb.b = limb.a + (limb.b - limb.a) * (
            np.linalg.norm(joints[i + 1] - joints[i]) / np.linalg.norm(limb.b - limb.a)
        )
    foot.bone = Bone(shift=np.array([ground[0], ground[1], foot.a[2]]) - foot.a)
