"""Small wrappers around bpy: meshes, strands and materials from arrays."""

from __future__ import annotations

import bpy
import numpy as np

from tools.pets.anatomy import PARTS


def sphere(n_around: int, n_down: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit sphere: vertices and quads, poles on the z axis."""
    u = np.linspace(0, 2 * np.pi, n_around, endpoint=False)
    v = np.linspace(0, np.pi, n_down)
    vertices = np.stack([np.outer(np.sin(v), np.cos(u)), np.outer(np.sin(v), np.sin(u)),
                         np.outer(np.cos(v), np.ones_like(u))], -1).reshape(-1, 3)  # fmt: skip
    i, j = np.meshgrid(np.arange(n_down - 1), np.arange(n_around), indexing="ij")
    k = (j + 1) % n_around
    quads = np.stack([i * n_around + j, (i + 1) * n_around + j, (i + 1) * n_around + k,
                      i * n_around + k], -1).reshape(-1, 4)  # fmt: skip
    return vertices, quads


def link(name: str, data) -> bpy.types.Object:
    """A new object in the scene."""
    item = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(item)
    return item


def add_mesh(name, vertices, faces, surface, colour=None, part=None, smooth=True, rest=None):
    """A mesh with optional colour (n, 3), part label and resting place (n, 3) per vertex."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(np.asarray(vertices).tolist(), [], np.asarray(faces).tolist())
    if smooth:
        mesh.shade_smooth()
    if colour is not None:
        rgba = np.concatenate([colour, np.ones((len(colour), 1))], 1).astype(np.float32)
        mesh.attributes.new("coat", "FLOAT_COLOR", "POINT").data.foreach_set("color", rgba.ravel())
    if part is not None:
        values = np.asarray(part, np.float32)
        mesh.attributes.new("part", "FLOAT", "POINT").data.foreach_set("value", values)
    if rest is not None:
        _remember_rest(mesh.attributes, "POINT", rest)
    mesh.materials.append(surface)
    return link(name, mesh)


def _remember_rest(attributes, domain: str, rest: np.ndarray) -> None:
    """For the AOVs ``rest`` and ``coated``: where this lies on the resting body, if it does."""
    values = np.asarray(rest, np.float32)
    attributes.new("rest", "FLOAT_VECTOR", domain).data.foreach_set("vector", values.ravel())
    ones = np.ones(len(values), np.float32)
    attributes.new("coated", "FLOAT", domain).data.foreach_set("value", ones)


def add_strands(name, points, colour, part, normals, radius: float, parts=True, rest=None):
    """Hair curves, tapering to the tip; points (n, k, 3)."""
    n, k, _ = points.shape
    curves = bpy.data.hair_curves.new(name)
    curves.add_curves([k] * n)
    curves.points.foreach_set("position", points.astype(np.float32).ravel())
    taper = radius * (1 - 0.75 * np.linspace(0, 1, k) ** 2)
    if name == "mouth":
        taper = np.full(k, radius)
    curves.points.foreach_set("radius", np.tile(taper, n).astype(np.float32))
    rgba = np.concatenate([colour, np.ones((n, 1))], 1).astype(np.float32)
    curves.attributes.new("coat", "FLOAT_COLOR", "CURVE").data.foreach_set("color", rgba.ravel())
    curves.attributes.new("part", "FLOAT", "CURVE").data.foreach_set(
        "value", np.asarray(part, np.float32)
    )
    curves.attributes.new("skin", "FLOAT_VECTOR", "CURVE").data.foreach_set(
        "vector", np.asarray(normals, np.float32).ravel()
    )
    if rest is not None:
        _remember_rest(curves.attributes, "CURVE", rest)
    curves.materials.append(_fur_material(parts))
    return link(name, curves)


def _new(name: str) -> tuple[bpy.types.Material, bpy.types.Nodes, bpy.types.NodeLinks]:
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    made.node_tree.nodes.clear()
    return made, made.node_tree.nodes, made.node_tree.links


def _attribute(nodes, name: str):
    node = nodes.new("ShaderNodeAttribute")
    node.attribute_name = name
    return node


def _outputs(nodes, links) -> None:
    """AOV ``part{k}`` is 1 where the surface belongs to part k; ``rest`` and ``coated`` as set."""
    for name, source, socket in (("rest", "Vector", "Color"), ("coated", "Fac", "Value")):
        out = nodes.new("ShaderNodeOutputAOV")
        out.aov_name = name
        links.new(_attribute(nodes, name).outputs[source], out.inputs[socket])
    label = _attribute(nodes, "part").outputs["Fac"]
    for k in range(1, len(PARTS)):
        same = nodes.new("ShaderNodeMath")
        same.operation = "COMPARE"
        same.inputs[1].default_value, same.inputs[2].default_value = k, 0.5
        out = nodes.new("ShaderNodeOutputAOV")
        out.aov_name = f"part{k}"
        links.new(label, same.inputs[0])
        links.new(same.outputs[0], out.inputs["Value"])


def _fur_material(parts: bool) -> bpy.types.Material:
    """Diffuse strands lit like the skin beneath, so that the body's form stays readable."""
    name = "fur" if parts else "grass"
    if name in bpy.data.materials:
        return bpy.data.materials[name]
    made, nodes, links = _new(name)
    info = nodes.new("ShaderNodeHairInfo")
    shade = nodes.new("ShaderNodeMapRange")
    shade.inputs["To Min"].default_value, shade.inputs["To Max"].default_value = 0.5, 1.12
    links.new(info.outputs["Intercept"], shade.inputs["Value"])
    tint = nodes.new("ShaderNodeVectorMath")
    tint.operation = "SCALE"
    links.new(_attribute(nodes, "coat").outputs["Color"], tint.inputs[0])
    links.new(shade.outputs[0], tint.inputs["Scale"])
    diffuse = nodes.new("ShaderNodeBsdfPrincipled")
    diffuse.inputs["Roughness"].default_value = 0.55
    diffuse.inputs["Specular IOR Level"].default_value = 0.25
    links.new(tint.outputs[0], diffuse.inputs["Base Color"])
    links.new(_attribute(nodes, "skin").outputs["Vector"], diffuse.inputs["Normal"])
    out = nodes.new("ShaderNodeOutputMaterial")
    links.new(diffuse.outputs[0], out.inputs["Surface"])
    if parts:
        _outputs(nodes, links)
    return made


def material(name: str, roughness: float = 0.7, parts: bool = False, coat: float = 0.0,
             metallic: float = 0.0, emission: float = 0.0) -> bpy.types.Material:  # fmt: skip
    """Principled material that takes its colour from the vertices."""
    if name in bpy.data.materials:
        return bpy.data.materials[name]
    made, nodes, links = _new(name)
    bsdf = nodes.new("ShaderNodeBsdfPrincipled")
    bsdf.inputs["Roughness"].default_value = roughness
    bsdf.inputs["Coat Weight"].default_value = coat
    bsdf.inputs["Metallic"].default_value = metallic
    bsdf.inputs["Emission Strength"].default_value = emission
    bsdf.inputs["Emission Color"].default_value = (1, 1, 1, 1)
    links.new(_attribute(nodes, "coat").outputs["Color"], bsdf.inputs["Base Color"])
    out = nodes.new("ShaderNodeOutputMaterial")
    links.new(bsdf.outputs[0], out.inputs["Surface"])
    if parts:
        _outputs(nodes, links)
    return made


def textured(name: str, kind: str, colours: list, scale: float, roughness: float = 0.8,
             bump: float = 0.0, stretch=(1, 1, 1)) -> bpy.types.Material:  # fmt: skip
    """Procedural material: ``noise``, ``brick`` or ``wave`` between two or three colours."""
    made, nodes, links = _new(name)
    where = nodes.new("ShaderNodeTexCoord")
    mapping = nodes.new("ShaderNodeMapping")
    mapping.inputs["Scale"].default_value = stretch
    links.new(where.outputs["Object"], mapping.inputs["Vector"])
    rgba = [(*c, 1) for c in colours]
    if kind == "brick":
        texture = nodes.new("ShaderNodeTexBrick")
        texture.offset = 0.0 if "tile" in name else 0.5
        texture.inputs["Mortar Size"].default_value = 0.012
        for socket, c in zip(("Color1", "Color2", "Mortar"), rgba, strict=True):
            texture.inputs[socket].default_value = c
        if "tile" in name:
            texture.inputs["Brick Width"].default_value = 0.5
            texture.inputs["Row Height"].default_value = 0.5
        colour = texture.outputs["Color"]
        height = texture.outputs["Fac"]
    else:
        texture = nodes.new("ShaderNodeTexNoise" if kind == "noise" else "ShaderNodeTexWave")
        texture.inputs["Detail"].default_value = 4
        if kind == "wave":
            texture.inputs["Distortion"].default_value = 6
        ramp = nodes.new("ShaderNodeValToRGB")
        ramp.color_ramp.elements[0].position, ramp.color_ramp.elements[1].position = 0.35, 0.68
        ramp.color_ramp.elements[0].color, ramp.color_ramp.elements[1].color = rgba[:2]
        height = texture.outputs["Fac"]
        links.new(height, ramp.inputs[0])
        colour = ramp.outputs[0]
    texture.inputs["Scale"].default_value = scale
    links.new(mapping.outputs[0], texture.inputs["Vector"])
    bsdf = nodes.new("ShaderNodeBsdfPrincipled")
    bsdf.inputs["Roughness"].default_value = roughness
    links.new(colour, bsdf.inputs["Base Color"])
    if bump:
        rough = nodes.new("ShaderNodeBump")
        rough.inputs["Strength"].default_value = abs(bump)
        rough.inputs["Distance"].default_value = 0.05
        rough.invert = bump < 0
        links.new(height, rough.inputs["Height"])
        links.new(rough.outputs[0], bsdf.inputs["Normal"])
    out = nodes.new("ShaderNodeOutputMaterial")
    links.new(bsdf.outputs[0], out.inputs["Surface"])
    return made


def flat(name: str, colour, roughness: float = 0.8) -> bpy.types.Material:
    """One colour."""
    made, nodes, links = _new(name)
    bsdf = nodes.new("ShaderNodeBsdfPrincipled")
    bsdf.inputs["Base Color"].default_value = (*colour, 1)
    bsdf.inputs["Roughness"].default_value = roughness
    out = nodes.new("ShaderNodeOutputMaterial")
    links.new(bsdf.outputs[0], out.inputs["Surface"])
    return made


def add_box(name, centre, size, surface, bevel: float = 0.0) -> bpy.types.Object:
    """A box; rounded edges when ``bevel`` (scene units) is given."""
    corners = np.array(list(np.ndindex(2, 2, 2))) - 0.5
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    box = add_mesh(name, np.array(centre) + corners * size, faces, surface, smooth=bool(bevel))
    if bevel:
        modifier = box.modifiers.new("bevel", "BEVEL")
        modifier.width, modifier.segments = bevel, 4
    return box


def add_plane(name, z: float, half: float, surface) -> bpy.types.Object:
    """A square on the ground."""
    corners = [(-half, -half, z), (half, -half, z), (half, half, z), (-half, half, z)]
    return add_mesh(name, corners, [(0, 1, 2, 3)], surface, smooth=False)
