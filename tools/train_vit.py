"""Train `tiny`, the small Vision Transformer that is shipped in `data/models/tiny`.

First what it learns from, then the stages, each going on from the last one's build/tiny.pt:

    python tools/teacher_targets.py             views of photos, the teacher's features  14 min
    python tools/render_pets.py --train --out build/bare          other pets, bare       40 min
    python tools/coat_pets.py                   eight coats over each of these            7 min
    python tools/describe_pets.py               the traits of these pets                  2 min
    python tools/vector_space.py                where their vectors are to go             3 min
    python tools/train_vit.py photos64 --samples 350       whole photos, 16 patches
    python tools/train_vit.py mixed112 --samples 130       and pets, 32 of 49 patches
    python tools/train_vit.py mixed224 --samples 300       pets on the full grid, 64 of 196 patches
    python tools/train_vit.py last224 --samples 100        photos too
    python tools/train_vit.py full224 --samples 60         all 196 patches of pets, as in use
    python tools/train_vit.py photos224 --samples 90       of photos too
    python tools/train_vit.py fresh224 --samples 60        photos in views drawn anew
    python tools/train_vit.py compare           what averaging or mixing the weights does
    python tools/train_vit.py export            writes the averaged weights in float16

`gpu_train.py` goes on from there on a GPU, with twice the layers, as the shipped weights did.

Two idle cores see hundreds of photos a second in the first stage, about 50 in the fourth and 15 in
the last two (in float32; bfloat16 is used where the processor has instructions for it, and is
quicker). A stage that was stopped goes on where its last checkpoint (one a minute) was, and one
that is over is passed by; pets that are coated meanwhile join. `--samples` counts thousands, and
the learning rate falls towards its end; `--start` goes on from an exported model. The model card
says what the shipped weights have really seen.

What is trained is the CLS vector itself, the one that similarity search uses. On photos it copies
a pretrained MobileNetV1 (reduced by PCA to the width of the ViT): cosine to the teacher's vector,
the teacher's order of the batch (KL between softmaxes of the similarities), and class labels. On
pets it goes where `vector_space.py` says that their traits belong, and learns which resemble each
other, which photos show the same pet, which of all pets it is, which patches show a pet, and that
CLS is to draw from those.
"""

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from fresh_photos import FreshPhotos
from pets_and_photos import Descriptions, Pets, Photos, resize, shipped_dev_pets
from torch.nn import functional as F
from transformers import ViTModel
from vit_model import (
    layers_of,
    look,
    new_model,
    optimisers_for,
    order_loss,
    recall,
    save_atomically,
    start_well,
    supervised_contrastive,
)

ROOT = Path(__file__).resolve().parents[1]
CHECKPOINT_SECONDS, REPORT_SECONDS, VALIDATE_SECONDS = 60, 20, 900
# As in `Encoder.load(dtype="auto")`: elsewhere it is emulated, and slower.
BFLOAT16 = getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
VIEW, PHOTO = 128, 160  # pixels that a view of a photograph, and a photo of a pet, hold


@dataclass(frozen=True)
class Stage:
    photos: tuple[int, int, int]  # how many in a batch of one process, pixels, patches; 0: all
    pets: tuple[int, int]  # pixels, patches: drawn anew, more of them from the pet; 0: all
    of_pets: int  # how many of these in a batch
    lr: tuple[float, float]  # at the start and the end, linear between
    fresh: bool = False  # whether the views of photos are drawn anew


STAGES = {
    "photos64": Stage((96, 64, 16), (64, 16), 0, (1.5e-3, 1e-3)),
    "mixed112": Stage((64, 112, 32), (112, 32), 27, (1e-3, 1e-4)),
    "mixed224": Stage((64, 112, 24), (224, 64), 36, (6e-4, 1e-4)),
    "last224": Stage((28, 224, 64), (224, 64), 45, (4e-4, 1e-5)),
    "full224": Stage((16, 224, 64), (224, 0), 45, (2e-4, 1e-5)),
    "photos224": Stage((24, 224, 0), (224, 0), 36, (2e-4, 1e-5)),
    "fresh224": Stage((36, 224, 0), (224, 0), 27, (3e-4, 1e-5), fresh=True),
}


def batch_loss(model, heads, stage: Stage, photos: Photos, pets: Pets):
    """The loss of one fresh batch, and its parts as numbers to print."""
    n, size, kept = stage.photos
    pixels, targets, labels = photos.batch(n, size if stage.fresh else min(size, VIEW))
    with torch.autocast("cpu", torch.bfloat16, enabled=BFLOAT16):
        ours = look(model, resize(pixels, size), kept).vectors
    logits = 16 * ours @ F.normalize(heads["classes"], dim=1).T
    parts = {
        "teacher": 1 - (ours * targets).sum(1).mean(),
        "order": order_loss(ours, targets),
        "labels": 0.25 * F.cross_entropy(logits, labels, ignore_index=-1),
    }
    if stage.of_pets:
        size, kept = stage.pets
        behind = resize(pixels, min(size, PHOTO))
        shown, cover, who, about = pets.batch(stage.of_pets, len(behind[0, 0]), behind)
        with torch.autocast("cpu", torch.bfloat16, enabled=BFLOAT16):
            seen = look(model, resize(shown, size), kept, resize(cover, size))
        is_pet = F.layer_norm(seen.tokens, seen.tokens.shape[2:]) @ heads["cover"][0]
        on_pet = (seen.reach * seen.cover).sum(1)
        parts |= {
            "cover": 0.5 * F.binary_cross_entropy_with_logits(is_pet, seen.cover),
            "reach": -0.3 * on_pet.clamp(min=1e-3).log().mean(),
            "traits": 2 * (1 - (seen.vectors * about).sum(1).mean()),
            "alike": order_loss(seen.vectors, about, 0.1),
            "mates": 0.5 * supervised_contrastive(seen.vectors, who),
            "who": 0.5 * F.cross_entropy(24 * seen.vectors @ F.normalize(heads["pets"]).T, who),
        }
    return sum(parts.values()), {"count": len(targets) + stage.of_pets} | {
        name: part.item() for name, part in parts.items()
    }


@torch.no_grad()
def embed_all(model: ViTModel, pixels: torch.Tensor, size: int) -> np.ndarray:
    sized = (resize(p, size) for p in pixels.split(64))
    return torch.cat([look(model, p).vectors for p in sized]).numpy()


def validate(model: ViTModel, size: int, photos: Photos, pets: Pets) -> str:
    """Recall@1 on what is kept for choosing: classes and pets that are not trained on."""

    def found(pixels: torch.Tensor, who: np.ndarray, allowed: np.ndarray) -> str:
        return f"{recall(embed_all(model, pixels, size), who, allowed):.3f}"

    pixels, labels = photos.validation()
    classes = found(pixels, labels, ~np.eye(len(labels), dtype=bool))
    kept = found(*pets.validation())
    whole, alone, who, allowed = shipped_dev_pets()
    return (f"at {size}: val classes {classes}, kept pets {kept}, dev pets "
            f"{found(whole, who, allowed)}, cut out {found(alone, who, allowed)}")  # fmt: skip


def shared_gradients(weights: list[torch.Tensor], count: int) -> int:
    """Average the gradients over the processes; the sum of their counts of samples."""
    gradients = [torch.zeros_like(w) if w.grad is None else w.grad for w in weights]
    flat = torch.cat([g.flatten() for g in gradients] + [torch.tensor([float(count)])])
    dist.all_reduce(flat)
    count = round(flat[-1].item())
    flat /= dist.get_world_size()
    for weight, part in zip(weights, flat[:-1].split([w.numel() for w in weights]), strict=True):
        weight.grad = part.view_as(weight)
    return count


def train(rank: int, args: argparse.Namespace) -> None:
    """One of `args.processes`: each has one thread and its own batches; gradients are averaged.

    Two processes of one thread beat one of two where others use the machine as well: they wait
    for each other once a step, not once a matrix.
    """
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"tcp://127.0.0.1:{args.port}", rank=rank,
                            world_size=args.processes)  # fmt: skip
    stage, path, total = STAGES[args.stage], args.build / "tiny.pt", 1000 * args.samples
    folder = args.build / "photos"
    photos = FreshPhotos(folder, args.shared) if stage.fresh else Photos(folder)
    about = Descriptions(args.build / "pets.npz")
    pets = Pets(args.build / "coated", about)
    torch.manual_seed(0)
    saved = torch.load(path, weights_only=True) if path.exists() else None
    shipped = None
    if args.start and not saved:
        shipped = ViTModel.from_pretrained(
            args.start, add_pooling_layer=False, dtype=torch.float32, use_safetensors=True
        ).state_dict()
    layers = layers_of(saved["model"] if saved else shipped) if saved or shipped else 6
    model, average = new_model(layers=layers), new_model(layers=layers)
    heads = torch.nn.ParameterDict({
        "classes": photos.middles(),
        "cover": torch.zeros(1, model.config.hidden_size),
        "pets": about.places.clone(),  # where each pet's own vector begins
    })  # fmt: skip
    weights = [*model.parameters(), *heads.parameters()]
    matrices = [w for w in model.layers.parameters() if w.ndim == 2]
    optimisers = optimisers_for(weights, matrices)
    holders = {"model": model, "average": average, "heads": heads} | optimisers
    state = {"stage": args.stage, "stage_seen": 0, "step": 0, "seen": 0}
    if saved:
        for key, holder in holders.items():
            holder.load_state_dict(saved[key])
        state |= {key: saved[key] for key in state}
        if saved["stage"] != args.stage:
            state |= {"stage": args.stage, "stage_seen": 0}
    elif shipped:
        model.load_state_dict(shipped)
        average.load_state_dict(model.state_dict())
    else:
        start_well(model, photos.patches(stage.pets[0]))
        for weight in weights:
            dist.broadcast(weight.data, 0)
        average.load_state_dict(model.state_dict())
    torch.manual_seed(1000 * state["step"] + rank)
    begin = saved_at = told_at = validated_at = time.time()
    fresh, recent = 0, {}
    while state["stage_seen"] < total:
        done = state["stage_seen"] / total
        lr = (stage.lr[0] + done * (stage.lr[1] - stage.lr[0])) * min(1, (state["step"] + 1) / 100)
        for group in (g for o in optimisers.values() for g in o.param_groups):
            group["lr"] = lr
        loss, parts = batch_loss(model, heads, stage, photos, pets)
        for optimiser in optimisers.values():
            optimiser.zero_grad()
        loss.backward()
        count = shared_gradients(weights, parts.pop("count"))
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        for optimiser in optimisers.values():
            optimiser.step()
        fresh += count
        for key, more in (("step", 1), ("seen", count), ("stage_seen", count)):
            state[key] += more
        decay = min(0.995, (1 + state["step"]) / (10 + state["step"]))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
        recent = {key: 0.95 * recent.get(key, part) + 0.05 * part for key, part in parts.items()}
        now, over = time.time(), state["stage_seen"] >= total
        if state["step"] % 50 == 0:
            pets.look_for_more()
        if rank > 0:
            continue
        if now - told_at > REPORT_SECONDS or over:
            told_at, told = now, " ".join(f"{key} {part:.3f}" for key, part in recent.items())
            print(f"{time.strftime('%H:%M:%S')} {args.stage} {state['stage_seen']:,} of {total:,}, "
                  f"{fresh / (now - begin):.0f}/s: {told}", flush=True)  # fmt: skip
        if now - saved_at > CHECKPOINT_SECONDS or over:
            saved_at = now
            save_atomically(state | {k: h.state_dict() for k, h in holders.items()}, path)
        if now - validated_at > VALIDATE_SECONDS or over:
            print(validate(average, stage.pets[0], photos, pets), flush=True)
            validated_at = time.time()
    dist.destroy_process_group()


def mixture(trained: dict, start: Path | None, new: float) -> dict:
    """`new` of the trained weights and the rest of those that training started from, if any.

    Between the two lie weights that have learned the new and not forgotten the old (Wortsman et
    al., arXiv 2109.01903).
    """
    if start is None:
        return trained
    old = ViTModel.from_pretrained(
        start, add_pooling_layer=False, dtype=torch.float32, use_safetensors=True
    )
    old = old.state_dict()
    return {name: old[name].lerp(weight, new) for name, weight in trained.items()}


def export(weights: Path, out: Path, start: Path | None, new: float) -> None:
    """The averaged weights in float16, in the form of the Hugging Face hub."""
    from transformers import ViTImageProcessor

    trained = torch.load(weights, weights_only=True)["average"]
    model = new_model(layers=layers_of(trained))
    model.load_state_dict(mixture(trained, start, new))
    model.config._attn_implementation = "sdpa"
    half, size = [0.5, 0.5, 0.5], {"height": 224, "width": 224}
    out.mkdir(parents=True, exist_ok=True)
    beside = tempfile.TemporaryDirectory(dir=out.parent, prefix=".")
    with beside as made:  # all of them are whole, before the first takes its place
        model.half().save_pretrained(made)
        ViTImageProcessor(image_mean=half, image_std=half, size=size).save_pretrained(made)
        for file in sorted(Path(made).iterdir()):
            os.replace(file, out / file.name)
    print(f"wrote {out}")


def compare(build: Path, start: Path | None, new: float) -> None:
    """Print recall@1 of the weights of the last step, of their average, and of its `mixture`."""
    saved = torch.load(build / "tiny.pt", weights_only=True)
    photos = Photos(build / "photos")
    pets = Pets(build / "coated", Descriptions(build / "pets.npz"))
    saved["mixture"] = mixture(saved["average"], start, new)
    for name in ("model", "average", *(["mixture"] if start else [])):
        model = new_model(layers=layers_of(saved[name]))
        model.load_state_dict(saved[name])
        print(f"{name}, {validate(model.eval(), 224, photos, pets)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stage", choices=[*STAGES, "compare", "export"])
    parser.add_argument("--samples", type=int, default=100, help="thousands to see (100)")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "models" / "tiny")
    parser.add_argument("--start", type=Path, help="folder of a model to go on from")
    parser.add_argument("--weights", type=Path, help="to export (build/tiny.pt)")
    parser.add_argument(
        "--new",
        type=float,
        default=0.75,
        help="share of the trained weights in an export with --start (0.75)",
    )
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--processes", type=int, default=2, help="of one thread (default 2)")
    parser.add_argument("--port", type=int, default=29511, help="by which they meet")
    args = parser.parse_args()
    if args.stage == "export":
        export(args.weights or args.build / "tiny.pt", args.out, args.start, args.new)
    elif args.stage == "compare":
        compare(args.build, args.start, args.new)
    else:
        order, path = list(STAGES), args.build / "tiny.pt"
        reached = torch.load(path, weights_only=True)["stage"] if path.exists() else order[0]
        if reached in order[order.index(args.stage) + 1 :]:
            print(f"{path}: {args.stage} is over, {reached} has begun; delete it to start anew")
            return
        if not list((args.build / "coated").glob("litter_*.npy")):
            raise SystemExit(f"{args.build}: no coated pets; render_pets.py, then coat_pets.py")
        torch.multiprocessing.spawn(train, (args,), args.processes)


if __name__ == "__main__":
    main()
