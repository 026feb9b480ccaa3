"""The small Vision Transformer that `train_vit.py` trains, its start, its losses, its optimisers.

Everything looks at CLS vectors of norm 1, the ones that similarity search uses. In training a
random part of the patches is enough; the losses say whose vectors are to be near.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from transformers import ViTConfig, ViTModel


def new_model(width: int = 192, layers: int = 6) -> ViTModel:
    config = ViTConfig(
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        intermediate_size=4 * width,
        image_size=224,
        patch_size=16,
    )
    return ViTModel(config, add_pooling_layer=False)


@torch.no_grad()
def start_well(model: ViTModel, patches: torch.Tensor) -> None:
    """Initialisation for little data: whitened patches, smooth positions, mimetic attention.

    patches: (n, 768) samples of what the patch projection sees. Query-key products start near the
    identity and value-output products near minus it (Trockman & Kolter, arXiv 2305.09828).
    """
    width, side = model.config.hidden_size, 14
    projection = model.embeddings.patch_embeddings.projection
    variance, axes = torch.linalg.eigh(torch.cov(patches.T))
    top = axes[:, -width:] / (variance[-width:] + 1e-3 * variance.sum() / 768).sqrt()
    projection.weight.copy_(0.5 * top.T.reshape(width, 3, 16, 16))
    projection.bias.copy_(-0.5 * patches.mean(0) @ top)
    at = torch.arange(side) / side * 2 * torch.pi
    waves = torch.outer(at, 2.0 ** torch.linspace(-1, 2.5, width // 4))
    waves = torch.cat([waves.sin(), waves.cos()], 1)  # (14, width / 2)
    grid = torch.cat([waves[:, None].expand(-1, side, -1), waves[None].expand(side, -1, -1)], 2)
    model.embeddings.position_embeddings[0, 1:] = 0.5 * grid.reshape(side * side, width)
    for layer in model.layers:
        att, head = layer.attention, layer.attention.head_dim
        for start in range(0, width, head):
            u, s, v = torch.linalg.svd(0.7 * torch.randn(width, width) / width**0.5
                                       + 0.7 * torch.eye(width))  # fmt: skip
            att.q_proj.weight[start : start + head] = (u[:, :head] * s[:head].sqrt()).T
            att.k_proj.weight[start : start + head] = v[:head] * s[:head, None].sqrt()
        u, s, v = torch.linalg.svd(0.4 * torch.randn(width, width) / width**0.5
                                   - 0.4 * torch.eye(width))  # fmt: skip
        att.o_proj.weight.copy_(u * s.sqrt())
        att.v_proj.weight.copy_(v * s.sqrt()[:, None])


@dataclass(frozen=True)
class Seen:
    """What the model made of b images, of each of which it looked at p patches."""

    vectors: torch.Tensor  # (b, width) CLS, of norm 1
    tokens: torch.Tensor  # (b, p, width) the patch tokens that the last layer reads
    reach: torch.Tensor | None  # (b, p) attention rollout of CLS, of sum 1; where cover is asked
    cover: torch.Tensor | None  # (b, p) in [0, 1]: how much of each patch is the pet


def look(
    model: ViTModel,
    pixels: torch.Tensor,
    kept: int = 0,
    cover: torch.Tensor | None = None,
    one: Callable | None = None,
) -> Seen:
    """(b, 3, s, s) pixels in [-1, 1] -> what the model makes of them.

    With `kept`, only so many randomly drawn patches of each image are looked at: the position
    of a patch is added before the draw, so that a part of the full grid is seen as such.
    `cover` (b, 1, s, s) in [0, 1] makes it likelier that a patch it covers is drawn. A patch that
    was drawn with chance c stands for 1/c patches in every softmax of the attention, so that a
    pet fills no more of the image than it does when all patches are looked at. `one` is what goes
    through a layer: `through`, or that compiled.
    """
    embed = model.embeddings
    tokens = embed.patch_embeddings.projection(pixels)
    grid = embed.position_embeddings[:, 1:].reshape(1, 14, 14, -1).permute(0, 3, 1, 2)
    if tokens.shape[2:] != grid.shape[2:]:
        # antialias: every cell of the grid takes part, whatever the resolution
        grid = F.interpolate(grid, tokens.shape[2:], mode="bilinear", antialias=True)
    tokens = (tokens + grid).flatten(2).transpose(1, 2)
    weight = None  # log of how many patches each stands for
    if cover is not None:
        cover = F.avg_pool2d(cover, 16).flatten(1)
    if 0 < kept < tokens.shape[1]:
        favour = torch.zeros(tokens.shape[:2]) if cover is None else 0.8 * cover
        luck, drawn = (torch.rand_like(favour) + favour).topk(kept)
        weight = -(1 - luck[:, -1:] + favour.gather(1, drawn)).clamp(0.1, 1).log()
        tokens = tokens.gather(1, drawn[:, :, None].expand(-1, -1, tokens.shape[2]))
        cover = None if cover is None else cover.gather(1, drawn)
    cls = (embed.cls_token + embed.position_embeddings[:, :1]).expand(len(tokens), -1, -1)
    tokens = torch.cat([cls, tokens], 1)
    weight = None if weight is None else F.pad(weight, (1, 0))[:, None, None]
    read, maps, one = [], cover is not None, one or through
    for layer in model.layers[:-1]:
        tokens, attention = one(layer, tokens, weight, maps)
        read.append(attention)
    cls, reach = one(model.layers[-1], tokens, weight, maps, only_cls=True)
    vectors = F.normalize(model.layernorm(cls[:, 0]), dim=1)
    if maps:  # as in `vitsim.attention.rollout`
        reach = 0.5 * reach + 0.5 * torch.eye(reach.shape[2])[:1]
        for attention in reversed(read):
            reach = 0.5 * reach @ attention + 0.5 * reach
        reach = F.normalize(reach[:, 0, 1:], p=1, dim=1)
    return Seen(vectors, tokens[:, 1:], reach, cover)


def through(
    layer: torch.nn.Module,
    tokens: torch.Tensor,
    weight: torch.Tensor | None,
    maps: bool,
    only_cls: bool = False,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """One layer's (b, t, width) output and, with `maps`, its (b, t, t) attention, mean of heads.

    `only_cls` asks for CLS alone, (b, 1, .), which is all that the loss sees of the last layer:
    the same gradient for a seventh less work.
    """
    att, seen = layer.attention, layer.layernorm_before(tokens)
    asking = 1 if only_cls else tokens.shape[1]
    projected = att.q_proj(seen[:, :asking]), att.k_proj(seen), att.v_proj(seen)
    q, k, v = (x.unflatten(2, (-1, att.head_dim)).transpose(1, 2) for x in projected)
    if maps:
        scores = att.scaling * q @ k.transpose(2, 3)
        attention = (scores if weight is None else scores + weight).softmax(3)
        mixed, attention = attention @ v, attention.mean(1)
    else:  # never written to memory
        weight = None if weight is None else weight.to(q.dtype)
        mixed, attention = F.scaled_dot_product_attention(q, k, v, weight), None
    out = tokens[:, :asking] + att.o_proj(mixed.transpose(1, 2).flatten(2))
    return out + layer.mlp(layer.layernorm_after(out)), attention


def layers_of(weights: dict[str, torch.Tensor]) -> int:
    return sum(name.endswith("q_proj.weight") for name in weights)


def save_atomically(state: dict, path: Path) -> None:
    torch.save(state, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


def recall(vectors: np.ndarray, who: np.ndarray, allowed: np.ndarray) -> float:
    """Share of photos whose nearest allowed one is of the same pet or class, where there is one."""
    scores = np.where(allowed, vectors @ vectors.T, -2)
    asked = (allowed & (who[:, None] == who)).any(1)
    return np.mean(who[scores.argmax(1)] == who, where=asked)


@torch.no_grad()
def deepen(model: ViTModel) -> ViTModel:
    """Twice the layers, the same output: before each layer one that adds nothing as yet.

    It is a copy of the layer whose two last projections are zero (as in Net2Net, Chen et al.,
    arXiv 1511.05641).
    """
    width, old = model.config.hidden_size, model.state_dict()
    deeper = new_model(width, 2 * model.config.num_hidden_layers)
    state = {key: value for key, value in old.items() if not key.startswith("layers.")}
    for key, value in old.items():
        if key.startswith("layers."):
            _, number, name = key.split(".", 2)
            adds = name.startswith(("attention.o_proj", "mlp.fc2"))
            state[f"layers.{2 * int(number)}.{name}"] = torch.zeros_like(value) if adds else value
            state[f"layers.{2 * int(number) + 1}.{name}"] = value
    deeper.load_state_dict(state)
    return deeper


def order_loss(ours: torch.Tensor, teachers: torch.Tensor, temperature: float = 0.07):
    """KL between the softmaxes of the batch's similarities: who is near whom."""
    self_pairs = torch.eye(len(ours), dtype=torch.bool)
    p = (teachers @ teachers.T / temperature).masked_fill(self_pairs, -1e4).softmax(1)
    log_q = (ours @ ours.T / temperature).masked_fill(self_pairs, -1e4).log_softmax(1)
    return F.kl_div(log_q, p, reduction="batchmean")


def supervised_contrastive(vectors: torch.Tensor, who: torch.Tensor, temperature: float = 0.1):
    """Khosla et al., arXiv 2004.11362, eq. 2: photos of one pet attract, all others repel."""
    self_pairs = torch.eye(len(vectors), dtype=torch.bool)
    same = (who[:, None] == who[None]) & ~self_pairs
    logits = (vectors @ vectors.T / temperature).masked_fill(self_pairs, -1e4)
    log_p = logits.log_softmax(1)
    return -(log_p * same).sum() / same.sum().clamp(min=1)


def orthogonal(
    gradient: torch.Tensor, coefficients: tuple[float, float, float], steps: int, eps: float
) -> torch.Tensor:
    """Muon's Newton-Schulz iteration as torch has it, but in float32."""
    a, b, c = coefficients
    tall = gradient.shape[0] > gradient.shape[1]
    x = gradient.T if tall else gradient
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


def optimisers_for(
    weights: list[torch.Tensor], matrices: list[torch.Tensor]
) -> dict[str, torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for the matrices inside the layers, AdamW for all other weights.

    Muon's steps are scaled to AdamW's size (Liu et al., arXiv 2502.16982), so that one learning
    rate, which the caller sets, serves both.
    """
    # torch's is in bfloat16, which takes 13 times as long where the processor only emulates it.
    torch.optim._muon._zeropower_via_newtonschulz = orthogonal
    inside = {id(w) for w in matrices}
    rest = [w for w in weights if id(w) not in inside]
    groups = [
        {"params": [w for w in rest if w.ndim > 1], "weight_decay": 0.05},
        {"params": [w for w in rest if w.ndim < 2], "weight_decay": 0.0},
    ]
    return {
        "muon": torch.optim.Muon(matrices, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        "adamw": torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True),
    }
