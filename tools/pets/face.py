"""Faces and collars: eyes, nose, mouth, tongue, whiskers; what fur does not cover."""

from __future__ import annotations

import numpy as np

from tools.pets import coat
from tools.pets.anatomy import PART, Bone, Build, xyz
from tools.pets.blender import add_mesh, add_strands, material, sphere
from tools.pets.plan import Pet
from tools.pets.surface import reach_surface

COLLAR_RGB = {
    "red": (0.6, 0.02, 0.02),
    "blue": (0.02, 0.09, 0.5),
    "yellow": (0.8, 0.5, 0.02),
    "green": (0.03, 0.3, 0.06),
    "pink": (0.8, 0.13, 0.32),
    "white": (0.8, 0.8, 0.8),
}


def add_face(pet: Pet, build: Build, limbs: list, head: Bone) -> list:
    """Eyes, nose, mouth and whiskers; return the spheres where no fur grows."""
    cat = pet.species == "cat"
    rng = np.random.default_rng([pet.build_seed, 5])
    r, centre = build.head, head(build.head_centre)
    iris = np.array(coat.IRIS[pet.species][rng.choice(4, p=[0.3, 0.3, 0.25, 0.15])])
    if pet.coat == "points":
        iris = np.array(coat.IRIS["cat"][3])
    skull = [limb for limb in limbs if limb.part in ("head", "muzzle")]
    bare = []
    size = r * (rng.uniform(0.235, 0.27) if cat else rng.uniform(0.185, 0.225))
    for side in (-1, 1):
        aim = np.array([side * (0.44 if cat else 0.41), -0.85, 0.12 if cat else 0.2])
        surface = reach_surface(skull, centre, head.rotation @ aim)
        out = (surface - centre) / np.linalg.norm(surface - centre)
        gaze = head.rotation @ (aim * [0.55, 1, 0.2])
        gaze /= np.linalg.norm(gaze)
        eye = surface - out * size * 0.45
        _add_eye(eye, size, gaze, head.rotation[:, 2], iris, cat)
        bare.append((eye + out * 0.3 * size, size * 1.12))
    bare.append(_add_nose(pet, build, skull, head, rng))
    return bare


def _add_eye(at, size: float, gaze, up, iris, slit: bool) -> None:
    """Eyeball coloured by the angle from the gaze, a dark lid ring, a catch-light."""
    vertices, quads = sphere(40, 28)
    side = np.cross(up, gaze)
    side /= np.linalg.norm(side)
    frame = np.stack([side, np.cross(gaze, side), gaze], 1)
    x, y, z = vertices.T
    pupil = np.hypot(x / (0.24 if slit else 0.42), y / (0.5 if slit else 0.42))
    ring = np.hypot(x, y)
    colour = np.where((pupil < 1)[:, None], 0.003, iris * (0.45 + 0.9 * ring[:, None]))
    colour = np.where(((ring > (0.82 if slit else 0.72)) | (z < 0))[:, None], 0.012, colour)
    part = np.full(len(vertices), PART["head"])
    add_mesh("eye", at + size * vertices @ frame.T, quads,
             material("eye", roughness=0.06, parts=True, coat=1.0),
             colour=colour, part=part)  # fmt: skip
    lid = vertices * [1.17, 1.12, 0.8]
    add_mesh("lid", at - gaze * 0.12 * size + size * lid @ frame.T, quads,
             material("skin", roughness=0.8, parts=True), colour=np.full((len(x), 3), 0.012),
             part=part)  # fmt: skip
    glint = at + size * (0.93 * gaze + 0.33 * frame[:, 1] - 0.22 * frame[:, 0])
    small, faces = sphere(10, 8)
    add_mesh("glint", glint + 0.13 * size * small, faces,
             material("glint", emission=1.6, parts=True), colour=np.ones((len(small), 3)),
             part=np.full(len(small), PART["head"]))  # fmt: skip


def _add_nose(pet: Pet, build, skull: list, head: Bone, rng) -> tuple[np.ndarray, float]:
    """Nose leather, mouth line and, for cats, whiskers; return the bare sphere."""
    cat, r = pet.species == "cat", build.head
    aim = np.array([0, -(0.85 * r + build.muzzle), (-0.2 if cat else -0.16) * r])
    surface = reach_surface(skull, head(build.head_centre), head.rotation @ aim)
    radii = r * (np.array([0.14, 0.1, 0.1]) if cat else np.array([0.2, 0.13, 0.15]))
    if not cat:
        radii *= 0.8 + 0.2 * build.muzzle_width
    pink = rng.random() < (0.55 if cat else 0.12)
    colour = (0.55, 0.19, 0.17) if pink else (0.012, 0.01, 0.01)
    vertices, quads = sphere(24, 16)
    shape = vertices * radii
    shape[:, 0] *= 1 + 0.45 * vertices[:, 2]  # broad above, narrow below
    shape[:, 2] += 0.02 * r
    part = np.full(len(shape), PART["muzzle"])
    add_mesh("nose", surface + shape @ head.rotation.T, quads,
             material("nose", roughness=0.3, parts=True, coat=0.3),
             colour=np.tile(colour, (len(shape), 1)), part=part)  # fmt: skip
    _add_mouth(build, skull, head, surface, cat)
    if not cat and rng.random() < 0.45:
        tongue = vertices * r * np.array([0.15, 0.1, 0.3]) * build.muzzle_width
        root = head.inverse(surface) + xyz(0, 0.22 * r, -0.62 * r)
        add_mesh("tongue", head(root + tongue), quads,
                 material("nose", roughness=0.3, parts=True, coat=0.3),
                 colour=np.tile((0.62, 0.14, 0.15), (len(shape), 1)), part=part)  # fmt: skip
    if cat:
        _add_whiskers(build, head, surface)
    return surface, float(radii.max() * 0.95)


def _add_mouth(build, skull: list, head: Bone, nose, cat: bool) -> None:
    """A dark line down from the nose, then curving to both sides."""
    r = build.head
    start = head.inverse(nose)
    wide = 0.3 if cat else 0.42
    t = np.linspace(0, 1, 8)
    lines = []
    for side in (-1, 1):
        x = side * wide * r * t
        z = -r * (0.3 + 0.12 * np.sin(np.pi * np.minimum(t * 1.25, 1))) + 0.05 * r
        lines.append(np.stack([x, np.zeros(8), z], 1))
    lines.append(np.stack([0 * t, 0 * t, -r * (0.05 + 0.22 * t)], 1))
    inside = head(build.head_centre + np.array([0, 0.0, -0.3 * r]))
    fitted = []
    for line in lines:
        goals = head(start + line)
        fitted.append([reach_surface(skull, inside, g - inside) for g in goals])
    fitted = np.array(fitted)
    n = len(fitted)
    add_strands("mouth", fitted, np.full((n, 3), 0.01), np.full(n, PART["muzzle"]),
                np.tile(head.rotation @ [0, -1, 0], (n, 1)), 0.05 * r)  # fmt: skip


def _add_whiskers(build, head: Bone, nose) -> None:
    """Six white whiskers a side."""
    r, t = build.head, np.linspace(0, 1, 5)[:, None]
    strands = []
    for side in (-1, 1):
        for k in range(6):
            pad = xyz(side * 0.22 * r, 0.1 * r, -0.14 * r - 0.03 * r * (k % 3))
            root = head.inverse(nose) + pad
            way = np.array([side * 1.25, 0.2 - 0.1 * (k // 3), 0.25 - 0.16 * (k % 3)]) * r
            strands.append(head(root + way * t - np.array([0, 0, 0.22 * r]) * t**2))
    n = len(strands)
    add_strands("whiskers", np.array(strands), np.full((n, 3), 0.8), np.full(n, PART["muzzle"]),
                np.tile(head.rotation @ [0, -1, 0], (n, 1)), 0.0015)  # fmt: skip


def add_collar(pet: Pet, build: Build, limbs: list) -> None:
    """A band that follows the neck's surface, and a tag in front."""
    neck = next(limb for limb in limbs if limb.part == "neck")
    axis = neck.b - neck.a
    centre = neck.bone(neck.a + 0.62 * axis)
    along = neck.bone.rotation @ (axis / np.linalg.norm(axis))
    trunk = [limb for limb in limbs if limb.part in ("neck", "torso")]
    side = np.cross(along, neck.bone.rotation @ np.array([0, -1.0, 0]))
    side /= np.linalg.norm(side)
    front = np.cross(side, along)
    n = 40
    turn = np.linspace(0, 2 * np.pi, n, endpoint=False)
    out = np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * front

    def girth(body: list) -> np.ndarray:
        ends = np.array([reach_surface(body, centre, way) for way in out])
        return np.linalg.norm(ends - centre, axis=1)

    reach = np.minimum(girth(trunk), 1.2 * girth([neck])) + 0.012 + 0.55 * build.fur
    profile = [(0.0, -0.028), (0.012, -0.02), (0.014, 0.0), (0.012, 0.02), (0.0, 0.028)]
    rings = [centre + out * (reach + d)[:, None] + along * h for d, h in profile]
    index = np.arange(n)
    quads = [np.stack([k * n + index, k * n + (index + 1) % n, (k + 1) * n + (index + 1) % n,
                       (k + 1) * n + index], 1) for k in range(len(profile) - 1)]  # fmt: skip
    vertices = np.concatenate(rings)
    part = np.full(len(vertices), PART["neck"])
    add_mesh("collar", vertices, np.concatenate(quads),
             material("collar", roughness=0.5, parts=True),
             colour=np.tile(COLLAR_RGB[pet.collar], (len(vertices), 1)), part=part)  # fmt: skip
    tag, faces = sphere(20, 12)
    at = centre + front * (reach[n // 4] + 0.02) - along * 0.06
    frame = np.stack([side, along, front], 1)
    add_mesh("tag", at + tag * [0.035, 0.035, 0.008] @ frame.T, faces,
             material("tag", roughness=0.25, parts=True, metallic=0.9),
             colour=np.tile((0.8, 0.6, 0.2), (len(tag), 1)),
             part=np.full(len(tag), PART["neck"]))  # fmt: skip
