"""Places and lights: simple, recognisable, and cheap to render."""

from __future__ import annotations

import math

import bpy
import numpy as np
from mathutils import Vector

from tools.pets.blender import (
    add_box,
    add_mesh,
    add_plane,
    add_strands,
    flat,
    link,
    sphere,
    textured,
)


def add_place(place: str, pet: np.ndarray, rng: np.random.Generator) -> None:
    """Build the surroundings of a pet whose posed vertices are given."""
    {"lawn": _lawn, "tiles": _tiles, "sofa_room": _sofa_room, "street": _street,
     "flood_water": _flood_water}[place](pet, rng)  # fmt: skip


def _bushes(rng: np.random.Generator, y: tuple[float, float], n: int, height: float) -> None:
    """Lumpy bushes in a row behind the pet."""
    vertices, quads = sphere(24, 16)
    leaf = textured("leaf", "noise", [(0.02, 0.055, 0.012), (0.07, 0.16, 0.03)], 9, bump=0.8)
    for _ in range(n):
        lumps = 1 + 0.18 * np.sin(7 * vertices @ rng.normal(0, 1, (3, 1)) + rng.uniform(0, 6))
        size = rng.uniform(0.5, 1.0, 3) * [1, 0.7, height]
        at = np.array([rng.uniform(-3.5, 3.5), rng.uniform(*y), 0.3 * height])
        add_mesh("bush", at + vertices * lumps * size, quads, leaf)


def _lawn(pet: np.ndarray, rng: np.random.Generator) -> None:
    dry = rng.uniform(0, 0.6)
    low = np.array([0.035, 0.075, 0.012]) * (1 - dry) + np.array([0.11, 0.095, 0.03]) * dry
    ground = textured("ground", "noise", [low * 0.7, low * 1.7], 3, bump=0.6)
    add_plane("ground", 0, 30, ground)
    n = 9000
    root = np.stack([rng.uniform(-1.7, 1.7, n), rng.uniform(-1.6, 2.4, n), np.zeros(n)], 1)
    height = rng.uniform(0.035, 0.1, n)[:, None]
    lean = rng.normal(0, 0.5, (n, 3)) * [1, 1, 0]
    up = np.array([0, 0, 1.0])
    t = np.array([0, 0.35, 0.7, 1.0])[None, :, None]
    blades = root[:, None] + height[:, None] * (up * t + lean[:, None] * t**2)
    tone = rng.uniform(0.7, 1.6, (n, 1))
    colour = np.clip(low * 1.6 * tone + rng.uniform(0, 0.03, (n, 1)) * [1, 0.8, 0], 0, 1)
    normals = np.tile([0.0, -0.3, 0.95], (n, 1))
    add_strands("grass", blades, colour, np.zeros(n), normals, 0.006, parts=False)
    if rng.random() < 0.5:
        _fence(rng.uniform(3.5, 6), rng)
    _bushes(rng, (4, 8), 9, rng.uniform(0.8, 1.8))


def _fence(y: float, rng: np.random.Generator) -> None:
    """Wooden boards."""
    shade = rng.choice([0.5, 1.0, 1.6])
    grain = np.array([[0.16, 0.09, 0.045], [0.28, 0.17, 0.09]]) * shade
    wood = textured("wood", "noise", list(grain), 4, stretch=(6, 6, 0.6))
    for x in np.arange(-5, 5, 0.42):
        add_box("board", (x, y, 0.75), (0.38, 0.05, 1.5 + rng.uniform(-0.04, 0.04)), wood)


def _tiles(pet: np.ndarray, rng: np.random.Generator) -> None:
    tints = [
        ((0.55, 0.5, 0.42), (0.5, 0.45, 0.38)),
        ((0.3, 0.12, 0.07), (0.36, 0.15, 0.09)),
        ((0.6, 0.62, 0.62), (0.22, 0.25, 0.27)),
        ((0.2, 0.3, 0.36), (0.24, 0.35, 0.42)),
    ]
    a, b = tints[rng.integers(4)]
    floor = textured("tile floor", "brick", [a, b, (0.2, 0.19, 0.18)], 1.3, 0.22)
    add_plane("floor", 0, 30, floor)
    wall = np.array([(0.62, 0.6, 0.54), (0.35, 0.5, 0.5), (0.6, 0.5, 0.36)][rng.integers(3)])
    y = rng.uniform(1.6, 2.6)
    add_box("wall", (0, y + 0.1, 2.5), (14, 0.2, 5), flat("wall", wall))
    glazes = [np.array(a) * 1.1, np.array(b) * 1.1, (0.4, 0.4, 0.4)]
    half = textured("tile wall", "brick", glazes, 2.2, 0.2)
    panel = add_box("panel", (0, 0, 0.45), (14, 0.9, 0.06), half)
    panel.rotation_euler = (math.radians(90), 0, 0)
    panel.location = (0, y - 0.4, 0.45)
    if rng.random() < 0.6:
        x = rng.choice([-1, 1]) * rng.uniform(0.8, 1.1)
        bowl, quads = sphere(24, 14)
        keep = bowl * [0.14, 0.14, 0.06] + [x, rng.uniform(0.2, 0.6), 0.05]
        add_mesh("bowl", keep, quads, flat("bowl", rng.uniform(0.1, 0.7, 3), 0.3))


def _sofa_room(pet: np.ndarray, rng: np.random.Generator) -> None:
    boards = [(0.27, 0.13, 0.055), (0.2, 0.095, 0.04), (0.06, 0.03, 0.015)]
    add_plane("floor", 0, 30, textured("parquet", "brick", boards, 1.2, 0.4))
    rug = np.array([(0.4, 0.1, 0.08), (0.5, 0.45, 0.36), (0.1, 0.2, 0.28), (0.3, 0.3, 0.16)])
    vertices, quads = sphere(48, 8)
    where = np.array([rng.uniform(-0.3, 0.3), 0.1, 0.0])
    yarn = [rug[rng.integers(4)], rug[rng.integers(4)] * 1.1]
    pile = textured("rug", "noise", yarn, 30, bump=0.5)
    add_mesh("rug", vertices * [1.5, 1.1, 0.006] + where, quads, pile)
    wall = [(0.62, 0.56, 0.46), (0.5, 0.58, 0.6), (0.6, 0.44, 0.36), (0.45, 0.5, 0.4)]
    add_box("wall", (0, 3.0, 2.5), (16, 0.2, 5), flat("wall", wall[rng.integers(4)]))
    add_box("skirting", (0, 2.88, 0.07), (16, 0.04, 0.14), flat("skirting", (0.7, 0.68, 0.64)))
    cloth = np.array([(0.3, 0.06, 0.05), (0.05, 0.15, 0.18), (0.38, 0.3, 0.2), (0.2, 0.22, 0.1),
                      (0.2, 0.2, 0.22)][rng.integers(5)])  # fmt: skip
    sofa = textured("sofa", "noise", [cloth * 0.9, cloth * 1.2], 60, bump=0.2)
    x = rng.uniform(-0.7, 0.7)
    add_box("seat", (x, 1.95, 0.3), (2.3, 1.0, 0.36), sofa, 0.1)
    add_box("back", (x, 2.45, 0.62), (2.5, 0.34, 0.85), sofa, 0.14)
    for side in (-1, 1):
        add_box("arm", (x + side * 1.2, 1.95, 0.42), (0.3, 1.05, 0.55), sofa, 0.13)
        pillow = flat("pillow", rng.uniform(0.15, 0.7, 3))
        add_box("pillow", (x + side * 0.65, 2.15, 0.68), (0.48, 0.2, 0.42), pillow, 0.09)
    tone = rng.uniform(0.05, 0.6, 3)
    add_box("frame", (x + 0.3, 2.87, 1.75), (0.9, 0.05, 0.65), flat("frame", (0.1, 0.06, 0.03)))
    add_box("picture", (x + 0.3, 2.84, 1.75), (0.78, 0.05, 0.53), flat("picture", tone))


def _street(pet: np.ndarray, rng: np.random.Generator) -> None:
    grey = rng.uniform(0.05, 0.13)
    asphalt = textured("asphalt", "noise", [(grey,) * 3, (grey * 1.7,) * 3], 45, bump=0.4)
    add_plane("asphalt", 0, 30, asphalt)
    y = rng.uniform(1.2, 2.2)
    add_box("kerb", (0, y, 0.07), (30, 0.18, 0.14), flat("kerb", (0.42, 0.41, 0.39)), 0.03)
    slabs = [(0.3, 0.29, 0.27), (0.35, 0.33, 0.3), (0.12, 0.12, 0.12)]
    paving = textured("tile paving", "brick", slabs, 1.6)
    add_box("pavement", (0, y + 1.35, 0.06), (30, 2.5, 0.12), paving)
    if rng.random() < 0.6:
        for x in np.arange(-6, 6, 1.6) + rng.uniform(0, 1):
            add_box("line", (x, 0.75, 0.001), (0.9, 0.1, 0.004), flat("line", (0.6, 0.58, 0.5)))
    _houses(y + 2.6, 0.0, rng)


def _houses(y: float, sink: float, rng: np.random.Generator) -> None:
    """A row of painted houses with doors and windows."""
    paints = np.array([(0.55, 0.3, 0.12), (0.2, 0.38, 0.45), (0.6, 0.55, 0.4), (0.5, 0.16, 0.12),
                       (0.3, 0.42, 0.24), (0.6, 0.5, 0.5)])  # fmt: skip
    x = -6 + rng.uniform(-1, 1)
    while x < 6:
        wide, tall = rng.uniform(1.8, 2.8), rng.uniform(2.6, 3.6)
        wall = flat("house", paints[rng.integers(len(paints))] * rng.uniform(0.8, 1.1))
        add_box("house", (x + wide / 2, y + 1.5, tall / 2 - sink), (wide - 0.03, 3, tall), wall)
        glass, trim = flat("glass", (0.04, 0.06, 0.08), 0.1), flat("trim", (0.6, 0.58, 0.54))
        door = flat("door", rng.uniform(0.04, 0.3, 3))
        add_box("door", (x + 0.3 * wide, y, 0.8 - sink), (0.6, 0.08, 1.6), door)
        add_box("trim", (x + 0.72 * wide, y, 1.35 - sink), (0.72, 0.06, 0.8), trim)
        add_box("glass", (x + 0.72 * wide, y - 0.01, 1.35 - sink), (0.6, 0.08, 0.68), glass)
        x += wide


def _flood_water(pet: np.ndarray, rng: np.random.Generator) -> None:
    level = float(np.clip(0.13 * pet[:, 2].max(), 0.05, 0.13))
    mud = np.array([0.2, 0.125, 0.06]) * rng.uniform(0.75, 1.2)
    water = textured("water", "noise", [mud * 0.85, mud * 1.1], 2.2, 0.12, bump=0.3,
                     stretch=(1, 2.2, 1))  # fmt: skip
    add_plane("water", level, 40, water)
    if rng.random() < 0.6:
        _houses(rng.uniform(4.5, 7), 0.5, rng)
    else:
        _bushes(rng, (4, 8), 12, 1.6)
    grain = [(0.14, 0.08, 0.04), (0.26, 0.16, 0.08)]
    plank = textured("plank", "noise", grain, 5, stretch=(0.5, 6, 6))
    for _ in range(rng.integers(2, 6)):
        x = rng.choice([-1, 1]) * rng.uniform(0.7, 2.2)
        box = add_box("plank", (0, 0, 0), (rng.uniform(0.3, 0.9), 0.12, 0.04), plank)
        box.location = (x, rng.uniform(0.3, 2.5), level + 0.01)
        box.rotation_euler = (0, 0.05, rng.uniform(0, 3))


def _sky(horizon, zenith, strength: float) -> None:
    """World colour, graded from the horizon up."""
    world = bpy.data.worlds.get("sky") or bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    # A smooth sky needs no importance map, and building one costs seconds a photo.
    world.cycles.sampling_method = "NONE"
    nodes, links = world.node_tree.nodes, world.node_tree.links
    nodes.clear()
    where = nodes.new("ShaderNodeTexCoord")
    split = nodes.new("ShaderNodeSeparateXYZ")
    ramp = nodes.new("ShaderNodeValToRGB")
    low, high = ramp.color_ramp.elements
    low.color, high.color, high.position = (*horizon, 1), (*zenith, 1), 0.6
    back = nodes.new("ShaderNodeBackground")
    back.inputs["Strength"].default_value = strength
    out = nodes.new("ShaderNodeOutputWorld")
    links.new(where.outputs["Generated"], split.inputs[0])
    links.new(split.outputs["Z"], ramp.inputs[0])
    links.new(ramp.outputs[0], back.inputs["Color"])
    links.new(back.outputs[0], out.inputs["Surface"])


def _lamp(kind: str, colour, energy: float, at, size: float, target=(0, 0, 0.4)) -> None:
    """A light at a point, aimed at the pet; size in scene units (degrees for the sun)."""
    data = bpy.data.lights.new(kind, kind)
    data.color, data.energy = colour, energy
    if kind == "SUN":
        data.angle = math.radians(size)
    elif kind == "AREA":
        data.size = size
    else:
        data.shadow_soft_size = size
    lamp = link("lamp", data)
    lamp.location = at
    lamp.rotation_euler = Vector(np.subtract(target, at)).to_track_quat("-Z", "Y").to_euler()


def _around(azimuth: float, elevation: float, distance: float) -> tuple[float, float, float]:
    """Point around the pet; azimuth in degrees from the camera's side, positive to the right."""
    a, e = math.radians(azimuth), math.radians(elevation)
    return (distance * math.sin(a) * math.cos(e), -distance * math.cos(a) * math.cos(e),
            distance * math.sin(e))  # fmt: skip


def add_light(light: str, rng: np.random.Generator) -> float:
    """Light the scene; return the exposure that suits it."""
    side = rng.choice([-1, 1])
    if light == "noon":
        _sky((0.55, 0.68, 0.85), (0.16, 0.34, 0.75), 0.75)
        at = _around(side * rng.uniform(25, 70), rng.uniform(52, 68), 9)
        _lamp("SUN", (1, 0.96, 0.9), 3.6, at, 2)
        return 1.0
    if light == "golden_hour":
        _sky((0.9, 0.5, 0.26), (0.25, 0.3, 0.5), 0.5)
        at = _around(side * rng.uniform(30, 100), rng.uniform(15, 24), 9)
        _lamp("SUN", (1, 0.56, 0.24), 4.2, at, 3)
        return 1.1
    if light == "overcast":
        _sky((0.62, 0.66, 0.7), (0.75, 0.79, 0.84), 0.85)
        _lamp("SUN", (0.93, 0.96, 1), 0.9, _around(side * rng.uniform(0, 90), 65, 9), 50)
        return 1.0
    if light == "indoor_lamp":
        _sky((0.3, 0.22, 0.15), (0.2, 0.16, 0.13), 0.35)
        at = _around(side * rng.uniform(30, 75), rng.uniform(35, 55), 2.6)
        _lamp("AREA", (1, 0.74, 0.47), 130, at, 0.8)
        _lamp("AREA", (1, 0.82, 0.62), 30, _around(-side * 60, 45, 3), 1.5)
        return 1.05
    _sky((0.012, 0.016, 0.035), (0.006, 0.008, 0.02), 1.0)
    _lamp("AREA", (0.96, 0.98, 1), 120, (side * 0.22, -3.0, 0.95), 0.16)
    return 1.35
