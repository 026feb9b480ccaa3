"""Photographs in views drawn anew each time, of which the teacher is asked then and there.

What `teacher_targets.py` prepared is seen again and again. "A good teacher is patient and
consistent" (Beyer et al., arXiv 2106.05237): student and teacher see the same new view. Half of
the views are in part another photo, beside it or through it; 15 % are one whole photo.
"""

import io
import tarfile
from pathlib import Path

import numpy as np
import torch
from pets_and_photos import Photos, change_light, resize, to_pixels
from PIL import Image, ImageOps
from teacher_targets import TEACHER, TEACHER_SIZE, beside, random_box, teacher_features

from vitsim.images import fit


class FreshPhotos(Photos):
    """`Photos` whose batches come from the tar of photographs, held in memory."""

    def __init__(self, folder: Path, shared: Path) -> None:
        super().__init__(folder)
        self.teacher = shared / "teachers" / TEACHER
        with tarfile.open(shared / "photos" / "train.tar") as tar:
            self.files = {row: tar.extractfile(self.names[row]).read() for row in self.train}

    def view(self) -> tuple[Image.Image, int]:
        """Of one photo, mirrored or not: the whole or a part of it; and its label, or -1."""
        row, size = self.rng.choice(self.train), (TEACHER_SIZE, TEACHER_SIZE)
        photo = Image.open(io.BytesIO(self.files[row])).convert("RGB")
        photo = ImageOps.mirror(photo) if self.rng.random() < 0.5 else photo
        if self.rng.random() < 0.3:
            return fit(photo, TEACHER_SIZE), self.labels[row]
        return photo.resize(size, Image.BICUBIC, random_box(photo, self.rng)), self.labels[row]

    def mixed_view(self) -> tuple[Image.Image, int]:
        """Every other time one photo; else two, and no label."""
        (view, label), kind = self.view(), self.rng.random()
        if kind < 0.5:
            return view, label
        other, _ = self.view()
        if kind < 0.75:
            return beside(view, other, self.rng), -1
        return Image.blend(view, other, self.rng.uniform(0.25, 0.5)), -1

    def batch(self, n: int, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """As of `Photos`; the light is changed less, and the teacher does not see it changed."""
        views, labels = zip(*(self.mixed_view() for _ in range(n)), strict=True)
        features = np.stack([teacher_features(self.teacher, view) for view in views])
        pixels = resize(to_pixels(np.stack([np.asarray(view) for view in views])), size)
        return change_light(pixels, 0.4), self.place(features), torch.tensor(labels)
