"""Checkpoints for the tests: seeded random weights in the hub's format, the same every time."""

import json
from pathlib import Path

HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
# As in google/vit-base-patch16-224 on the hub: no key says which processor it is.
VIT_PROCESSOR = {"do_normalize": True, "do_resize": True, "size": 224} | HALF
DINO_PROCESSOR = {
    "image_processor_type": "BitImageProcessor",
    "crop_size": {"height": 224, "width": 224},
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "resample": 3,
    "size": {"shortest_edge": 256},
}
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}


def make(folder: Path, kind: str, processor: dict = VIT_PROCESSOR, spread=0.3, **config) -> Path:
    """Write a checkpoint of the class `kind` of transformers, as `save_pretrained` does.

    `spread` is the deviation of the weights: with the usual 0.02 a random network maps all photos
    to nearly one vector.
    """
    import torch
    import transformers

    family = kind.removesuffix("ForImageClassification").removesuffix("Model")
    settings = getattr(transformers, family + "Config")(**config)
    with torch.device("meta"):  # transformers' own start takes ten times as long
        model = getattr(transformers, kind)(settings)
    model = model.to_empty(device="cpu").requires_grad_(False)
    random = torch.Generator().manual_seed(20240501)
    for name, weight in sorted(model.state_dict().items()):
        if weight.is_floating_point():
            scale = weight.ndim == 1 and not name.endswith("bias")
            weight.normal_(1.0 if scale else 0.0, spread, generator=random)
        else:
            weight.zero_()
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")
    return folder


def small_vit(folder: Path, **config) -> Path:
    """A ViT of 32 dimensions and 2 layers on the grid of ViT-B/16: 224 px, 14 × 14 patches."""
    return make(folder, "ViTModel", **SMALL, intermediate_size=64, **config)


def vit_base(folder: Path) -> Path:
    """A ViT-B/16 in full size (346 MB), a classifier as google/vit-base-patch16-224 is one."""
    return make(folder, "ViTForImageClassification", spread=0.05, num_labels=1000)


def rename(folder: Path, change) -> Path:
    """Rename weights: `change` maps a name to the new one, or to None to leave it out."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    weights = {change(name): weight for name, weight in load_file(path).items()}
    weights.pop(None, None)
    save_file(weights, path, {"format": "pt"})
    return folder
