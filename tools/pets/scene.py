"""Scenes in Cycles: the pet, the place, the light, the camera, one render."""

from __future__ import annotations

import math
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

from tools.pets import coat, places
from tools.pets.anatomy import PARTS, Bone, Build, make_build, make_limbs
from tools.pets.blender import add_mesh, add_strands, material
from tools.pets.face import add_collar, add_face
from tools.pets.fur import make_fur
from tools.pets.photo import degrade, expose, part_map, read_exr
from tools.pets.plan import Pet
from tools.pets.pose import Pose, pose_limbs, rotation, sit_angle
from tools.pets.surface import make_body

LENS, SENSOR = 50.0, 36.0  # mm


def setup(size: int, samples: int, threads: int) -> None:
    """An empty scene with Cycles ready, one AOV a body part, and where the surface rests."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.device, cycles.samples = "CPU", samples
    cycles.use_adaptive_sampling = False
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_prefilter, cycles.denoising_quality = "FAST", "FAST"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 2, 1, 1
    cycles.transmission_bounces = cycles.transparent_max_bounces = 2
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 2.0
    scene.cycles_curves.shape = "RIBBONS"
    scene.cycles_curves.subdivisions = 2
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    image = scene.render.image_settings
    image.media_type = "MULTI_LAYER_IMAGE"
    image.file_format, image.color_depth, image.exr_codec = "OPEN_EXR_MULTILAYER", "16", "NONE"
    image.use_exr_interleave = True  # one part, so that a short reader will do
    values = [f"part{k}" for k in range(1, len(PARTS))] + ["coated"]
    for name, kind in [("rest", "COLOR"), *((value, "VALUE") for value in values)]:
        aov = bpy.context.view_layer.aovs.add()
        aov.name, aov.type = name, kind


def clear() -> None:
    """Remove every object and its data."""
    for collection in (bpy.data.objects, bpy.data.meshes, bpy.data.hair_curves,
                       bpy.data.materials, bpy.data.lights, bpy.data.cameras):  # fmt: skip
        bpy.data.batch_remove(list(collection))


def draw_pose(build: Build, row: dict) -> Pose:
    """Pose of one photo; the head tends to look towards the camera."""
    rng = np.random.default_rng([row["seed"], 1])
    away = (row["azimuth_deg"] + 180) % 360 - 180  # degrees, positive: turned to its left
    towards = -np.clip(away, -70, 70) * rng.uniform(0.1, 0.85) if abs(away) < 130 else 0
    may_sit = sit_angle(build) > 15
    return Pose(
        sit=bool(may_sit and rng.random() < 0.4),
        head_yaw=float(towards + rng.uniform(-12, 12)),
        head_pitch=float(rng.uniform(-10, 8)),
        head_tilt=float(rng.normal(0, 8)),
        stride=float(rng.uniform(-16, 16)),
        wag=float(rng.uniform(-30, 30)),
    )


def add_pet(pet: Pet, row: dict, n_strands: int) -> np.ndarray:
    """Build body, fur, eyes, nose and collar; return the posed vertices."""
    build = make_build(pet)
    limbs = make_limbs(pet, build)
    pose_limbs(limbs, build, draw_pose(build, row))
    head = next(limb.bone for limb in limbs if limb.part == "head")
    turn = Bone(rotation=rotation("z", row["azimuth_deg"]))
    for limb in limbs:
        limb.bone = limb.bone.then(turn)
    head = head.then(turn)
    body = make_body(limbs)
    body.vertices[:, 2] = np.maximum(body.vertices[:, 2], 0.002)
    skin = coat.coat_colour(pet, build, body.rest, body.part) * 0.7
    add_mesh("skin", body.vertices, body.quads, material("skin", roughness=0.8, parts=True),
             colour=skin, part=body.part, rest=body.rest)  # fmt: skip
    bare = add_face(pet, build, limbs, head)
    fur = make_fur(pet, build, body, n_strands, bare, row["seed"])
    radius = 0.0042 * math.sqrt(24000 / n_strands)
    add_strands("fur", fur.points, fur.colour, fur.part, fur.normals, radius, rest=fur.rest)
    if pet.collar:
        add_collar(pet, build, limbs)
    return body.vertices


def add_camera(vertices: np.ndarray, row: dict) -> None:
    """Camera on -Y that just holds the pet at distance 1."""
    rng = np.random.default_rng([row["seed"], 2])
    lo, hi = vertices.min(0), vertices.max(0)
    centre = (lo + hi) / 2
    reach = np.linalg.norm((vertices - centre)[:, [0, 2]], axis=1).max() + 0.03
    half = math.atan(SENSOR / 2 / LENS)
    away = row["distance"] * reach * 1.02 / math.tan(half) + (hi - lo)[1] * 0.25
    tilt = math.radians(row["elevation_deg"])
    position = centre + away * np.array([0, -math.cos(tilt), math.sin(tilt)])
    position[2] = max(position[2], 0.08)
    spare = (row["distance"] - 1) * reach * 0.6
    target = centre + rng.uniform(-1, 1, 3) * [spare, 0, 0.6 * spare]
    data = bpy.data.cameras.new("camera")
    data.lens, data.sensor_width = LENS, SENSOR
    data.dof.use_dof, data.dof.aperture_fstop = True, 3.2
    data.dof.focus_distance = float(np.linalg.norm(position - centre)) - 0.1
    camera = bpy.data.objects.new("camera", data)
    camera.location = position
    camera.rotation_euler = Vector(target - position).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera


def render(pet: Pet, row: dict, n_strands: int, scratch: Path):
    """One photograph: an RGB image and its label map; of a bare pet its `bare_layers`."""
    clear()
    vertices = add_pet(pet, row, n_strands)
    add_camera(vertices, row)
    places.add_place(row["place"], vertices, np.random.default_rng([row["seed"], 3]))
    meter = places.add_light(row["light"], np.random.default_rng([row["seed"], 4]))
    scene = bpy.context.scene
    scene.cycles.seed = row["seed"] % 2**31
    scene.render.filepath = str(scratch)
    bpy.ops.render.render(write_still=True)
    return bare_layers(scratch, meter) if pet.coat == "bare" else develop(scratch, row, meter)


def read_layers(path: Path):
    """Linear light (h, w, 3), label map (h, w), and all layers by name."""
    layers = read_exr(path)
    pick = {name.split(".")[1]: name for name in layers if ".part" in name}
    labels = part_map({k: layers[v] for k, v in pick.items()}, len(PARTS))
    return _three(layers, "Combined"), labels, layers


def _three(layers: dict[str, np.ndarray], name: str) -> np.ndarray:
    return np.stack([next(v for k, v in layers.items() if k.endswith(f"{name}.{c}"))
                     for c in "RGB"], 2)  # fmt: skip


def bare_layers(path: Path, meter: float) -> dict[str, np.ndarray]:
    """What `tools/coat_pets.py` lays coats over; `rest` is summed, as `coated` is."""
    linear, labels, layers = read_layers(path)
    coated = next(v for k, v in layers.items() if "coated" in k)
    half = np.float16
    return {"linear": linear.clip(0, 6e4).astype(half), "rest": _three(layers, "rest").astype(half),
            "coated": coated.clip(0, 1).astype(half), "labels": labels, "meter": meter}  # fmt: skip


def develop(path: Path, row: dict, meter: float):
    """Expose and degrade the linear render; read the labels off its AOVs."""
    linear, labels, _ = read_layers(path)
    image = expose(linear, labels > 0, row["light"], meter)
    return degrade(image, row["quality"], np.random.default_rng([row["seed"], 6])), labels
