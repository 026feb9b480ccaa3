"""From Cycles' linear layers to a photograph: tone, quality, mask, parts, files."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

PALETTE = [  # one colour a part, index = label
    (0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178),
    (213, 94, 0), (204, 121, 167), (148, 103, 189), (140, 190, 60), (170, 170, 170),
]  # fmt: skip


def read_exr(path: Path) -> dict[str, np.ndarray]:
    """Channels of an uncompressed scan-line OpenEXR file, each (height, width) float32."""
    data = Path(path).read_bytes()
    at, channels, box = 8, [], (0, 0, 0, 0)
    while data[at] != 0:
        name, at = _text(data, at)
        _, at = _text(data, at)
        size = struct.unpack_from("<i", data, at)[0]
        at += 4
        if name == "channels":
            channels = _channels(data, at)
        elif name == "dataWindow":
            box = struct.unpack_from("<4i", data, at)
        elif name == "compression" and data[at] != 0:
            raise ValueError(f"{path}: compressed OpenEXR; expected codec NONE")
        at += size
    width, height = box[2] - box[0] + 1, box[3] - box[1] + 1
    at += 1 + 8 * height  # the table of line offsets
    line = np.dtype([("y", "<i4"), ("size", "<i4")] + [(c, t, (width,)) for c, t in channels])
    lines = np.frombuffer(data, line, height, at)
    return {c: lines[c].astype(np.float32) for c, _ in channels}


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode(), end + 1


def _channels(data: bytes, at: int) -> list[tuple[str, str]]:
    found = []
    while data[at] != 0:
        name, at = _text(data, at)
        found.append((name, {1: "<f2", 2: "<f4"}[struct.unpack_from("<i", data, at)[0]]))
        at += 16
    return found


def tone_map(linear: np.ndarray, exposure: float) -> np.ndarray:
    """Linear light to display values in [0, 1]; filmic curve after Narkowicz (2015)."""
    x = np.maximum(linear * exposure, 0)
    return np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0, 1) ** (1 / 2.2)


def auto_exposure(linear: np.ndarray, mask: np.ndarray, aim: float, level: float) -> float:
    """What a camera's meter would choose: the pet and the whole scene near middle grey."""
    grey = linear.mean(2)
    scene = np.exp(np.log(grey + 1e-3).mean())
    pet = np.exp(np.log(grey[mask] + 1e-3).mean()) if mask.any() else scene
    # A black cat should stay black: the meter only goes part of the way.
    return float(np.clip(level * (aim / (pet**0.5 * scene**0.5)) ** 0.55, 0.25, 4.0))


def flash_limit(linear: np.ndarray, mask: np.ndarray) -> float:
    """Exposure at which the pet's bright fur still shows detail: a flash meters its subject."""
    bright = np.percentile(linear.mean(2)[mask], 90) if mask.any() else 1.0
    return float(0.6 / max(bright, 1e-3))


def expose(linear: np.ndarray, mask: np.ndarray, light: str, meter: float) -> Image.Image:
    """Linear light (h, w, 3) as a camera shows it, the pet where the mask is true."""
    exposure = auto_exposure(linear, mask, 0.2, meter)
    if light == "flash_night":
        exposure = min(exposure, flash_limit(linear, mask))
    return Image.fromarray((tone_map(linear, exposure) * 255 + 0.5).astype(np.uint8))


def degrade(image: Image.Image, quality: str, rng: np.random.Generator) -> Image.Image:
    """Apply one seeded degradation; moderate, so that a person still knows the pet."""
    width = image.width
    if quality == "motion_blur":
        return _motion_blur(image, rng.uniform(0.02, 0.04) * width, rng.uniform(0, np.pi))
    if quality == "low_light_noise":
        pixels = np.asarray(image, float) / 255 * rng.uniform(0.62, 0.85)
        grain = rng.normal(0, 1, pixels.shape) * 0.6 + rng.normal(0, 1, pixels.shape[:2])[..., None]
        noisy = pixels + grain * rng.uniform(0.02, 0.036) * np.sqrt(pixels + 0.05)
        return Image.fromarray((np.clip(noisy, 0, 1) * 255).astype(np.uint8))
    if quality == "strong_jpeg":
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(rng.integers(14, 24)), subsampling=2)
        return Image.open(buffer).convert("RGB")
    if quality == "small_upscaled":
        small = round(width * rng.uniform(0.26, 0.4))
        return image.resize((small, small), Image.BOX).resize(image.size, Image.BICUBIC)
    return image


def _motion_blur(image: Image.Image, length: float, angle: float) -> Image.Image:
    """Average of copies shifted along a line of ``length`` pixels."""
    n = max(3, int(length * 1.5))
    total = np.zeros((image.height, image.width, 3))
    for t in np.linspace(-0.5, 0.5, n):
        dx, dy = t * length * np.cos(angle), t * length * np.sin(angle)
        moved = image.transform(image.size, Image.AFFINE, (1, 0, dx, 0, 1, dy), Image.BILINEAR)
        total += np.asarray(moved, float)
    margin = int(np.ceil(length / 2)) + 1  # where shifted copies brought in black
    box = (margin, margin, image.width - margin, image.height - margin)
    blurred = Image.fromarray((total / n).astype(np.uint8))
    framed = image.copy()
    framed.paste(blurred.crop(box), box)
    return framed.filter(ImageFilter.GaussianBlur(0.6))


def part_map(channels: dict[str, np.ndarray], n_parts: int) -> np.ndarray:
    """Label of the part that covers most of each pixel; 0 where the pet covers under half."""
    cover = np.stack([channels[f"part{k}"] for k in range(1, n_parts)])
    return np.where(cover.sum(0) > 0.5, cover.argmax(0) + 1, 0).astype(np.uint8)


def save_atomically(image: Image.Image, path: Path, **options) -> None:
    """Write beside the target, then move into place: a file is whole or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    image.save(temporary, {".jpg": "JPEG", ".png": "PNG"}[path.suffix], **options)
    os.replace(temporary, path)


def save_layers(layers: dict[str, np.ndarray], path: Path) -> None:
    """The arrays of a bare pet, for `tools/coat_pets.py`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(temporary, "wb") as file:
        np.savez(file, **layers)
    os.replace(temporary, path)


def save_mask(labels: np.ndarray, path: Path) -> None:
    """1-bit PNG: white where the pet is."""
    save_atomically(Image.fromarray((labels > 0).astype(np.uint8) * 255).convert("1"), path,
                    optimize=True)  # fmt: skip


def save_parts(labels: np.ndarray, path: Path) -> None:
    """Palette PNG, 4 bits a pixel, pixel value = label."""
    image = Image.fromarray(labels, "L").convert("P")
    image.putdata(labels.ravel().tolist())
    image.putpalette([v for colour in PALETTE for v in colour])
    save_atomically(image, path, optimize=True)
