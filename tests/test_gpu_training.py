"""What training on a GPU starts from and is fed with, tried on the CPU."""

import csv
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import gpu_batches
import gpu_pack
from vit_model import deepen, look, new_model

from tools import coat_pets
from vitsim import datasets
from vitsim.images import fit, open_photo

PHOTOS = datasets.pets().photo[:3].tolist()


def test_twice_the_layers_say_the_same_and_can_learn():
    torch.manual_seed(0)
    model = new_model(64, 2)
    deeper = deepen(model)
    assert deeper.config.num_hidden_layers == 4
    pixels = torch.randn(2, 3, 224, 224)
    assert torch.allclose(look(model, pixels).vectors, look(deeper, pixels).vectors, atol=1e-6)
    look(deeper, pixels).vectors[0, 0].backward()
    new = deeper.layers[0].attention.o_proj.weight
    assert not new.any() and new.grad.abs().sum() > 0


def test_without_a_mask_attention_is_not_kept_and_the_vectors_are_the_same():
    model, pixels = new_model(64, 2), torch.randn(2, 3, 224, 224)
    plain, masked = look(model, pixels), look(model, pixels, cover=torch.ones(2, 1, 224, 224))
    assert plain.reach is None
    assert torch.allclose(plain.vectors, masked.vectors, atol=1e-5)
    assert torch.allclose(masked.reach.sum(1), torch.ones(2))


def test_half_precision_takes_a_part_of_the_patches():
    model, pixels = new_model(64, 2), torch.randn(2, 3, 224, 224)
    with torch.autocast("cpu", torch.bfloat16):
        seen = look(model, pixels, kept=20)
    assert seen.vectors.shape == (2, 64) and seen.vectors.isfinite().all()


def test_every_turn_has_other_pets_of_the_same_body():
    turns = [coat_pets.litter(20, turn) for turn in range(5)]
    assert len({pet.marking_seed for pets in turns for pet in pets}) == 5 * coat_pets.PETS
    for pets in turns:
        for one, mate in zip(pets[::2], pets[1::2], strict=True):
            assert (one.coat, one.build_seed) == (mate.coat, mate.build_seed)
        assert {(p.species, p.ears, p.tail) for p in pets} == {
            (turns[0][0].species, turns[0][0].ears, turns[0][0].tail)
        }


def test_a_bare_photo_is_much_the_same_unpacked(tmp_path):
    body, side = coat_pets.bodies()[0], gpu_batches.HELD
    rng = np.random.default_rng(0)
    along, up = np.meshgrid(np.linspace(-0.4, 0.4, side), np.linspace(0.9, 0.1, side))
    rest = np.stack([0 * along, along, up], 2)
    coated = np.zeros((side, side))
    coated[20:-20, 30:-30] = 1
    light = np.repeat(np.linspace(0.02, 1.5, side)[:, None, None], side, 1) * np.ones(3)
    layers = {"linear": light, "rest": rest * coated[..., None], "coated": coated,
              "labels": (coated * rng.integers(1, 10)).astype(np.uint8), "meter": 1.2}  # fmt: skip
    np.savez(tmp_path / "one.npz", **layers)
    with open(tmp_path / "photos.csv", "w", newline="") as file:
        csv.writer(file).writerows([("photo", "pet", "light"), ("one.npz", body.name, "noon")])
    np.savez(tmp_path / "pets.npz", **gpu_pack.bare_pets(tmp_path, quality=90))

    stored = np.load(tmp_path / "pets.npz")
    files = [gpu_batches.unpack(stored, name)[0] for name in ("light", "rest", "what")]
    packed, (places, part, here), kind = gpu_batches.bare_shot(
        *files, stored["box"][0], float(stored["meter"][0]), str(stored["kind"][0])
    )
    whole, parts, there = coat_pets.at_rest(layers)
    assert kind == "noon" and packed["meter"] == 1.2 and stored["pet"].tolist() == [0]
    assert np.array_equal(here, there) and np.array_equal(part, parts)
    assert np.array_equal(packed["labels"], layers["labels"])
    assert np.abs(places - whole).max() < 0.005  # 256 steps along a body
    assert np.median(np.abs(packed["linear"] / light - 1)) < 0.05


def test_views_of_photos_lie_as_the_encoder_fits_them():
    photos = object.__new__(gpu_batches.Photos)
    images = [open_photo(path).crop((0, 40, 320, 240)) for path in PHOTOS]  # lying
    images[1] = images[1].rotate(90, expand=True)
    held = [image.resize((160, 160), Image.Resampling.BICUBIC) for image in images]
    photos.pixels = gpu_batches.on_device([np.asarray(image) for image in held])
    photos.aspect = torch.tensor([image.width / image.height for image in images])
    rows = torch.arange(3)
    seen = (photos.view(rows, photos.letterboxes(rows)) + 1) * 127.5
    fitted = np.stack([np.asarray(fit(image, 224), float) for image in images])
    off = np.abs(seen.permute(0, 2, 3, 1).numpy() - fitted)
    assert off.mean() < 4 and off[[0, 2], 0].max() < 1  # the bars are the same grey
    assert np.abs(seen.flip(3).permute(0, 2, 3, 1).numpy() - fitted).mean() > 10


def test_a_bad_mask_is_the_mask_but_for_its_edges():
    torch.manual_seed(0)
    mask = torch.zeros(8, 1, 224, 224)
    mask[:, :, 60:160, 50:170] = 1
    bad = gpu_batches.cut_badly(mask)
    assert 0 < (bad - mask).abs().mean() < 0.05
    assert bad[:, :, 100:120, 100:120].mean() > 0.95 and bad[:, :, :30].mean() < 0.05
