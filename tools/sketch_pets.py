"""Sketch many more pets for `train_vit.py`: the bodies and coats of the Toy Pets without Blender.

    python tools/sketch_pets.py --litters 400       build/sketches, about 16 sketches a second

A rendered training photo costs seconds; a sketch costs a sixteenth of one. Bodies, poses, coats,
faces and collars come from the same program as the rendered pets, of other seeds. Light is a sky
and one lamp without shadows, the surface is drawn as points, and there is no background: the
fourth channel says where the pet is, and training puts something behind it.

One file a litter, `litter_00000.npy`: (pets, photos, 128, 128, 4) uint8. The pets of a litter
share their build and palette and differ in their markings; the last one has another kind of coat.
Stop it at any time: it goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import sys
import types
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.modules.setdefault("bpy", types.ModuleType("bpy"))  # faces import it; sketches need none of it

from tools.pets import face, surface  # noqa: E402
from tools.pets.anatomy import Bone, make_build, make_limbs  # noqa: E402
from tools.pets.coat import coat_colour  # noqa: E402
from tools.pets.fur import POINTS, make_fur  # noqa: E402
from tools.pets.photo import auto_exposure, degrade, tone_map  # noqa: E402
from tools.pets.plan import COATS, COLLARS, EARS, QUALITIES, TAILS, Pet  # noqa: E402
from tools.pets.pose import Pose, pose_limbs, rotation, sit_angle  # noqa: E402

SIZE, FINE, STRANDS, SEED = 128, 192, 5000, 500
PETS, POSES, VIEWS = 3, 4, 2
surface.CELL = 0.035  # coarser than for a photo: a sketch is small
# kind: colours of horizon and zenith, of the lamp, and the lamp's azimuth and elevation
LIGHTS = {
    "noon": ((0.40, 0.50, 0.64), (0.12, 0.26, 0.56), (1.15, 1.10, 1.03), (25, 70), (52, 68)),
    "golden_hour": ((0.45, 0.25, 0.13), (0.12, 0.15, 0.25), (1.34, 0.75, 0.3), (30, 100), (15, 24)),
    "overcast": ((0.53, 0.56, 0.60), (0.64, 0.67, 0.71), (0.27, 0.28, 0.29), (0, 90), (60, 70)),
    "indoor_lamp": ((0.15, 0.11, 0.08), (0.10, 0.08, 0.07), (1.6, 1.18, 0.75), (30, 75), (35, 55)),
    "flash_night": ((0.01, 0.02, 0.03), (0.01, 0.01, 0.02), (2.00, 2.04, 2.08), (2, 8), (5, 15)),
}  # fmt: skip


def litter(number: int) -> list[Pet]:
    """Pets of one build; the last with a coat of another kind."""
    rng = np.random.default_rng([SEED, number])
    species = ("dog", "cat")[number % 2]
    kinds = rng.permutation(COATS[species])
    collar = COLLARS[rng.integers(len(COLLARS))] if rng.random() < 0.5 else None
    ears = EARS[species][rng.integers(len(EARS[species]))]
    tail = TAILS[species][rng.integers(len(TAILS[species]))]
    name = f"sketch_{number:05d}"
    return [
        Pet(f"{name}_{i}", species, name, str(kinds[int(i == PETS - 1)]), 10_000_000 + number,
            20_000_000 + PETS * number + i, ears, tail, collar, "train", False)
        for i in range(PETS)
    ]  # fmt: skip


def posed(pet: Pet, azimuth: float, rng: np.random.Generator):
    """Build, limbs, head and skin in one random pose, turned by the azimuth in degrees."""
    build = make_build(pet)
    limbs = make_limbs(pet, build)
    away = (azimuth + 180) % 360 - 180
    towards = -np.clip(away, -70, 70) * rng.uniform(0.1, 0.85) if abs(away) < 130 else 0
    sit = bool(sit_angle(build) > 15 and rng.random() < 0.4)
    yaw = float(towards + rng.uniform(-12, 12))
    pose_limbs(limbs, build, Pose(sit, yaw, rng.uniform(-10, 8), rng.normal(0, 8),
                                  rng.uniform(-16, 16), rng.uniform(-30, 30)))  # fmt: skip
    head = next(limb.bone for limb in limbs if limb.part == "head")
    turn = Bone(rotation=rotation("z", azimuth))
    for limb in limbs:
        limb.bone = limb.bone.then(turn)
    return build, limbs, head.then(turn), surface.make_body(limbs)


def bare_parts(pet: Pet, build, limbs, head):
    """Points and colours of eyes, nose, mouth and collar, and where no fur grows."""
    points, colours = [], []

    def keep(_name, at, shape, *rest, colour=None, part=None):
        colour = shape if colour is None else colour
        at = np.asarray(at, float)
        colour = np.broadcast_to(np.asarray(colour)[:, None], (*at.shape[:-1], 3)) if at.ndim > 2 \
            else colour  # fmt: skip
        points.append(at.reshape(-1, 3))
        colours.append(np.asarray(colour, float).reshape(-1, 3))

    face.add_mesh = face.add_strands = keep
    face.material = lambda *_, **__: None
    bare = face.add_face(pet, build, limbs, head)
    if pet.collar:
        face.add_collar(pet, build, limbs)
    return np.concatenate(points), np.concatenate(colours), bare


def as_points(pet: Pet, build, body, bare_skin, seed: int):
    """Everything that is seen: points, normals and linear colours."""
    at, colour, bare = bare_skin
    fur = make_fur(pet, build, body, STRANDS, bare, seed)
    skin = coat_colour(pet, build, body.rest, body.part) * 0.7
    u, v = (np.indices((3, 3)).reshape(2, -1) + 0.5) / 3
    weight = np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], 1)

    def spread(values):
        return np.einsum("wk,qkd->qwd", weight, values[body.quads]).reshape(-1, 3)

    along = np.linspace(0.5, 1.12, POINTS)[None, :, None]
    centre = at.mean(0)
    parts = [
        (spread(body.vertices) - 0.004 * spread(body.normals), spread(body.normals), spread(skin)),
        (at, at - centre, colour),
        (fur.points.reshape(-1, 3), np.repeat(fur.normals, POINTS, 0),
         (fur.colour[:, None] * along).reshape(-1, 3)),
    ]  # fmt: skip
    points, normals, colours = (np.concatenate(part) for part in zip(*parts, strict=True))
    return points, normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9), colours


def lit(normals: np.ndarray, colours: np.ndarray, heights: np.ndarray, rng) -> np.ndarray:
    """Linear light that leaves the points towards the camera."""
    low, high, lamp, around, above = list(LIGHTS.values())[rng.integers(len(LIGHTS))]
    azimuth = np.radians(rng.choice([-1, 1]) * rng.uniform(*around))
    up = np.radians(rng.uniform(*above))
    to_lamp = np.array([np.sin(azimuth) * np.cos(up), -np.cos(azimuth) * np.cos(up), np.sin(up)])
    share = (0.5 + 0.5 * normals[:, 2:]) * (0.6 + 0.4 * heights[:, None])
    sky = share * np.array(high) + (1 - share) * 0.6 * np.array(low)
    return colours * (sky + np.clip(normals @ to_lamp, 0, None)[:, None] * np.array(lamp))


def camera(points: np.ndarray, rng) -> tuple[np.ndarray, np.ndarray]:
    """Column, row in [0, 1] and distance of every point: a 50 mm lens that holds the pet."""
    lo, hi = points.min(0), points.max(0)
    centre = (lo + hi) / 2
    reach = np.linalg.norm((points - centre)[:, [0, 2]], axis=1).max() + 0.03
    distance, tilt = rng.uniform(1.0, 1.45), np.radians(rng.triangular(2, 10, 38))
    away = distance * reach * 1.02 / 0.36 + (hi - lo)[1] * 0.25
    eye = centre + away * np.array([0, -np.cos(tilt), np.sin(tilt)])
    spare = (distance - 1) * reach * 0.6
    ahead = centre + rng.uniform(-1, 1, 3) * [spare, 0, 0.6 * spare] - eye
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    seen = (points - eye) @ np.stack([right, np.cross(ahead, right), ahead], 1)
    return 0.5 + seen[:, :2] / seen[:, 2:] / 0.72, seen[:, 2]


def sketch(points: np.ndarray, normals: np.ndarray, colours: np.ndarray, rng) -> np.ndarray:
    """(SIZE, SIZE, 4) uint8: nearer points drawn over farther ones, then exposed like a photo."""
    heights = (points[:, 2] - points[:, 2].min()) / np.ptp(points[:, 2])
    light = lit(normals, colours, heights, rng)
    place, distance = camera(points, rng)
    facing = np.flatnonzero(normals[:, 1] < 0.4)  # the camera stands at -Y
    order = facing[np.argsort(-distance[facing])]
    column, row = np.floor(place[order] * FINE).astype(int).T
    inside = (column >= 0) & (column < FINE - 1) & (row >= 0) & (row < FINE - 1)
    at, nearest = (row * FINE + column)[inside], np.full(FINE * FINE, -1)
    spots = (at[:, None] + np.array([0, 1, FINE, FINE + 1])).ravel()
    nearest[spots] = np.repeat(order[inside], 4)  # the last one drawn stays
    nearest = nearest.reshape(FINE, FINE)
    mask = nearest >= 0
    image = np.where(mask[..., None], light[nearest], light.mean(0)).astype(np.float32)
    shown = tone_map(image, auto_exposure(image, mask, 0.2, rng.uniform(0.8, 1.3)))
    picture = Image.fromarray((shown * 255).astype(np.uint8)).resize((SIZE, SIZE), Image.BOX)
    quality = "sharp" if rng.random() < 0.6 else str(rng.choice(QUALITIES[1:]))
    cover = Image.fromarray(mask.astype(np.uint8) * 255).resize((SIZE, SIZE), Image.BOX)
    return np.dstack([np.asarray(degrade(picture, quality, rng)), np.asarray(cover)])


def draw_litter(job: tuple[int, Path]) -> None:
    """All sketches of one litter, moved into place when they are whole."""
    number, out = job
    path = out / f"litter_{number:05d}.npy"
    if path.exists():
        return
    rng = np.random.default_rng([SEED, number, 1])
    pets = litter(number)
    sketches = np.empty((PETS, POSES * VIEWS, SIZE, SIZE, 4), np.uint8)
    start = rng.uniform(0, 360)
    for pose in range(POSES):
        azimuth = start + 360 * 0.381966 * pose + rng.uniform(-15, 15)
        build, limbs, head, body = posed(pets[0], azimuth, rng)
        bare_skin = bare_parts(pets[0], build, limbs, head)
        for i, pet in enumerate(pets):
            cloud = as_points(pet, build, body, bare_skin, pose)
            for view in range(VIEWS):
                turn = rotation("z", view * rng.uniform(-50, 50)).T
                sketches[i, pose * VIEWS + view] = sketch(cloud[0] @ turn, cloud[1] @ turn,
                                                          cloud[2], rng)  # fmt: skip
    part = path.with_suffix(f".{os.getpid()}.part")
    with open(part, "wb") as file:
        np.save(file, sketches)
    os.replace(part, path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--litters", type=int, default=400, help="of three pets (default 400)")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "sketches")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    jobs = [(number, args.out) for number in range(args.litters)]
    with ProcessPoolExecutor(args.workers) as pool:
        for done, _ in enumerate(pool.map(draw_litter, jobs), 1):
            print(f"\r{done} of {args.litters} litters", end="", flush=True)
    print(f"\nwrote {args.out}")


if __name__ == "__main__":
    main()
