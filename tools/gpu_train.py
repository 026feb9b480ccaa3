"""Train `tiny` further on a GPU, where minutes see what two cores see in a day.

    python tools/gpu_pack.py                    here: what it needs, build/gpu, about 80 MB
    python tools/gpu_train.py --minutes 7       there: build/tiny_gpu.pt; Ctrl-C ends it early
    python tools/train_vit.py export --weights build/tiny_gpu.pt       writes data/models/tiny

It starts from `data/models/tiny` and doubles its layers if these are six, without a change of what
it says. Learned is what `train_vit.py` teaches on CPUs, at full size and with all patches: on
photographs to say of every view what MobileNetV1 says of it; of pets which photos show the same
one, beside litter-mates in the same places, their traits, and where in the photo they are.
"""

import argparse
import copy
import os
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from transformers import ViTModel
from vit_model import (
    deepen,
    look,
    optimisers_for,
    order_loss,
    recall,
    save_atomically,
    supervised_contrastive,
    through,
)

ROOT = Path(__file__).resolve().parents[1]
REPORT_SECONDS, CHECK_SECONDS = 6, 75


def batch_loss(model, one, heads, photos, pets, traits, sizes: tuple[int, int]):
    """The loss of a fresh batch, `sizes` photos and litters, and its parts; `one`: as in `look`."""
    with torch.no_grad():
        pixels, said, labels = photos.batch(sizes[0])
        views = photos.view(rows := photos.some(sizes[1]), photos.crops(rows))
        shown, mask, who, numbers = pets.batch(sizes[1], views)
        about = ((numbers - traits[0]) / traits[1]).clamp(-3, 3)
    with torch.autocast("cuda", torch.bfloat16):
        ours = look(model, pixels, one=one).vectors.float()
        seen = look(model, shown, cover=mask, one=one)
    logits = 16 * ours @ F.normalize(heads["classes"], dim=1).T
    vectors, reach = seen.vectors.float(), seen.reach.float()
    is_pet = F.layer_norm(seen.tokens.float(), seen.tokens.shape[2:]) @ heads["cover"][0]
    parts = {
        "teacher": 1 - (ours * said).sum(1).mean(),
        "order": order_loss(ours, said),
        "labels": 0.25 * F.cross_entropy(logits, labels, ignore_index=-1),
        "cover": 0.5 * F.binary_cross_entropy_with_logits(is_pet, seen.cover),
        "reach": -0.3 * (reach * seen.cover).sum(1).clamp(min=1e-3).log().mean(),
        "traits": 0.5 * F.mse_loss(vectors @ heads["traits"] + heads["middle"], about),
        "mates": 0.5 * supervised_contrastive(vectors, who),
    }
    return sum(parts.values()), {name: part.detach() for name, part in parts.items()}


@torch.no_grad()
def embed(model: ViTModel, pixels: torch.Tensor) -> torch.Tensor:
    """(n, 3, 224, 224) -> (n, width) of norm 1."""
    with torch.autocast("cuda", torch.bfloat16):
        return torch.cat([look(model, some).vectors.float() for some in pixels.split(256)])


class Validation:
    """Recall@1 on what is kept for choosing: classes, bodies and the shipped pets of split dev."""

    def __init__(self, folder: Path, photos) -> None:
        from gpu_batches import KEPT, bare_shot, coat, decode, on_device, to_range, unpack
        from pets_and_photos import cut_outs

        self.sets = {}
        rows = photos.val
        names = np.unique(photos.label_names[rows.cpu().numpy()], return_inverse=True)[1]
        self.sets["val classes"] = (
            photos.view(rows, photos.letterboxes(rows)),
            names,
            ~np.eye(len(rows), dtype=bool),
        )
        stored, cuts, who, shot = np.load(folder / "pets.npz"), [], [], []
        files = list(zip(*(unpack(stored, n) for n in ("light", "rest", "what")), strict=True))
        for number in range(KEPT):
            rows = np.flatnonzero(stored["pet"] == number)
            about = zip(stored["box"][rows], stored["meter"][rows], stored["kind"][rows],
                        strict=True)  # fmt: skip
            shots = [bare_shot(*files[i], *a) for i, a in zip(rows, about, strict=True)]
            pictures = coat(number, 0, shots)[0] if shots else ()
            for i, views in enumerate(pictures):
                cuts += list(views)
                who += [8 * number + i] * len(views)
                shot += range(len(views))
        cut = on_device(cuts).float()
        cut = torch.cat([cut[:, :3] / 127.5 - 1, cut[:, 3:] / 255], 1)
        cut = cut_outs(F.interpolate(cut, (224, 224), mode="bilinear"))
        shot = np.array(shot)
        self.sets["kept pets"] = cut, np.array(who), shot[:, None] != shot
        stored = np.load(folder / "val.npz")
        for name in ("whole", "alone"):
            pixels = to_range(on_device([decode(file) for file in unpack(stored, name)]))
            self.sets[f"dev pets {name}"] = pixels, stored["who"], stored["allowed"]

    def __call__(self, model: ViTModel) -> str:
        found = {name: recall(embed(model, pixels).cpu().numpy(), who, allowed)
                 for name, (pixels, who, allowed) in self.sets.items()}  # fmt: skip
        return ", ".join(f"{name} {value:.3f}" for name, value in found.items())


def train(args: argparse.Namespace) -> None:
    def tell(text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    model = ViTModel.from_pretrained(
        args.start, add_pooling_layer=False, dtype=torch.float32, use_safetensors=True
    )
    model = (deepen(model) if model.config.num_hidden_layers == 6 else model).cuda()
    average = copy.deepcopy(model)
    torch.set_default_device("cuda")
    torch.set_float32_matmul_precision("high")
    torch.manual_seed(args.seed)
    from gpu_batches import Pets, Photos  # their constants lie on the GPU

    pets = Pets(args.pack / "pets.npz", args.processes, room=args.room, seed=args.seed)
    try:
        learn(args, model, average, pets, Photos(args.pack / "photos.npz"), tell)
    except KeyboardInterrupt:
        tell("interrupted; what was saved last stays")
    finally:
        pets.stop()


def learn(args, model: ViTModel, average: ViTModel, pets, photos, tell) -> None:
    """Until the time is over; `average` follows `model`, and is saved every 75 seconds."""
    begin = time.time()
    tell(f"{len(photos.train):,} photos of {photos.count} classes")
    middles = photos.settle(lambda pixels: embed(model, pixels))
    validation = Validation(args.pack, photos)
    tell(validation(model))
    while len(pets) < args.litters:
        if not any(one.is_alive() for one in pets.at_work):
            raise SystemExit(f"no process could coat a pet of {args.pack}: gpu_pack.py makes it")
        time.sleep(0.1)
    traits = pets.traits()
    tell(f"{len(pets)} litters are there")
    width = model.config.hidden_size
    heads = torch.nn.ParameterDict({
        "classes": middles,
        "cover": torch.zeros(1, width),
        "traits": torch.zeros(width, len(traits[0])),
        "middle": torch.zeros(len(traits[0])),
    }).cuda()  # fmt: skip
    weights = [*model.parameters(), *heads.parameters()]
    matrices = [w for w in model.layers.parameters() if w.ndim == 2]
    optimisers = optimisers_for(weights, matrices)
    one, sizes = torch.compile(through, dynamic=False), (args.batch, args.litters)
    start = told = checked = time.time()
    step, seen, budget = 0, 0, 60 * args.minutes - (start - begin)
    if budget <= 0:
        raise SystemExit(f"{start - begin:.0f} s to get ready are all of --minutes {args.minutes}")
    recent: dict[str, torch.Tensor] = {}
    while (done := (time.time() - start) / budget) < 1:
        lr = args.lr * min(1, (step + 1) / 200) * (1 - 0.99 * done)
        for group in (g for o in optimisers.values() for g in o.param_groups):
            group["lr"] = lr
        loss, parts = batch_loss(model, one, heads, photos, pets, traits, sizes)
        for optimiser in optimisers.values():
            optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        for optimiser in optimisers.values():
            optimiser.step()
        step, seen = step + 1, seen + args.batch + 12 * args.litters
        decay = min(0.998, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
        recent = {k: 0.95 * recent.get(k, part) + 0.05 * part for k, part in parts.items()}
        if time.time() - told > REPORT_SECONDS:
            told = time.time()
            values = " ".join(f"{name} {part.item():.3f}" for name, part in recent.items())
            pace = seen / (time.time() - start)
            tell(f"{done:.0%}, {seen:,} seen, {pace:,.0f}/s, {pets.made:,} litters: {values}")
        if time.time() - checked > CHECK_SECONDS:
            tell(f"average: {validation(average)}")
            save(average, args.out, seen)
            checked = time.time()
    tell(f"{seen:,} seen in {step:,} steps, {pets.made:,} litters, {torch.cuda.get_device_name()}, "
         f"{torch.cuda.max_memory_allocated() / 2**30:.0f} GiB")  # fmt: skip
    tell(f"model: {validation(model)}")
    tell(f"average: {validation(average)}")
    save(average, args.out, seen)


def save(average: ViTModel, out: Path, seen: int) -> None:
    half = {name: weight.half().cpu() for name, weight in average.state_dict().items()}
    save_atomically({"average": half, "seen": seen}, out / "tiny_gpu.pt")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=7, help="for all of it (7)")
    parser.add_argument("--pack", type=Path, default=ROOT / "build" / "gpu")
    parser.add_argument("--start", type=Path, default=ROOT / "data" / "models" / "tiny")
    parser.add_argument("--out", type=Path, default=ROOT / "build")
    parser.add_argument("--batch", type=int, default=384, help="photos in a batch (384)")
    parser.add_argument("--litters", type=int, default=40, help="of 12 photos in a batch (40)")
    parser.add_argument("--room", type=int, default=4000, help="litters held, 5 MB each (4000)")
    parser.add_argument("--processes", type=int, default=max(1, (os.cpu_count() or 2) - 2))
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.room < args.litters:
        parser.error(f"--room must be at least --litters, {args.litters}")
    if not torch.cuda.is_available():
        raise SystemExit("no GPU that torch can use: train_vit.py trains on CPUs")
    train(args)


if __name__ == "__main__":
    main()
