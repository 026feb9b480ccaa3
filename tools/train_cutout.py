"""Train `cutout`, the shipped background remover: a small network in the manner of U2-Net.

    train_cutout.py train low   --minutes 30   96 px, the cheapest samples
    train_cutout.py train full  --minutes 20   128 px
    train_cutout.py train sharp --minutes 30   160 px
    train_cutout.py train fine  --minutes 60   224 px: most of what is left to learn is the outline
    train_cutout.py sizes                      at which sizes the shipped one is to look
    train_cutout.py export                     data/models/cutout/cutout.onnx, as rembg wants it
    train_cutout.py evaluate                   IoU through rembg, on pets and animals never seen

Needs `build/cutout/` (cutout_labels.py) and pets (`build/coated/`, coat_pets.py); takes backgrounds
from `build/photos/` (teacher_targets.py) if they are there or as they appear. A free core sees
about 60 samples a second at 96 px, 40 at 128 px, 28 at 160 px, 15 at 224 px. Stop it at any time:
the same command goes on where it was. `--start` takes over the weights of an exported network, to
train that one further.
"""

import argparse
import csv
import os
import time
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from cutout_batches import Cutouts
from cutout_network import Network, Shipped, take_over
from evaluate_cutout import evaluate
from torch import nn
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parents[1]
# pixels, learning rate from, to
STAGES = {"low": (96, 2e-3, 1.6e-3), "full": (128, 1.6e-3, 1e-3), "sharp": (160, 1e-3, 2e-5),
          "fine": (224, 6e-4, 1e-5)}  # fmt: skip
BATCH, SHIPPED_SIZE = 8, 320
REPORT_SECONDS, CHECKPOINT_SECONDS, VALIDATE_SECONDS = 30, 60, 300


def loss_of(answers: list[torch.Tensor], masks: torch.Tensor) -> torch.Tensor:
    """Cross-entropy and 1 - IoU at every scale; the finest counts most.

    Masks may be soft. A pixel counts by how far it is from one half: what a threshold at one half
    costs there. So the teacher's wide edges count little and the exact ones teach the outline.
    """
    total = 0.0
    for answer, weight in zip(answers, (1.0, 0.3, 0.2, 0.2), strict=True):
        target = F.adaptive_avg_pool2d(masks, answer.shape[2:])
        counts = (2 * target - 1).abs()
        p = answer.sigmoid()
        both = (counts * p * target).sum((1, 2, 3))
        either = (counts * (p + target - p * target)).sum((1, 2, 3))
        iou = 1 - ((both + 1) / (either + 1)).mean()
        entropy = F.binary_cross_entropy_with_logits(answer, target, counts)
        total = total + weight * (entropy + iou)
    return total


def iou(p: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """(b,) intersection over union at threshold 0.5."""
    p, masks = p > 0.5, masks > 0.5
    return (p & masks).sum((1, 2, 3)) / (p | masks).sum((1, 2, 3)).clamp(min=1)


@torch.no_grad()
def validate(network: Network, data: Cutouts, size: int) -> str:
    """Mean IoU on the shipped dev pets and on animal classes, neither of them trained on."""
    network.eval()
    told = []
    for name, (pixels, masks) in data.validation(size).items():
        found = [network(p)[0].sigmoid() for p in pixels.split(32)]
        told.append(f"{name} {iou(torch.cat(found), masks).mean():.3f} ({len(masks)})")
    return ", ".join(told)


def train(
    name: str, minutes: float, build: Path, until: str | None = None, start: Path | None = None
) -> None:
    size, first_lr, last_lr = STAGES[name]
    path = build / "cutout" / "cutout.pt"
    data = Cutouts(build, size)
    network, average = Network().to(memory_format=torch.channels_last), Network()
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=0.01, fused=True)
    state = {"stage": name, "seconds": 0.0, "step": 0, "seen": 0}
    if path.exists():
        saved, order = torch.load(path, weights_only=True), list(STAGES)
        if order.index(saved["stage"]) > order.index(name):
            print(f"{path}: {name} is over, {saved['stage']} has begun; delete it to start anew")
            return
        network.load_state_dict(saved["network"])
        average.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
        state |= {k: saved[k] for k in state}
        state |= {"stage": name, "seconds": 0.0} if saved["stage"] != name else {}
    else:
        if start:
            take_over(network, start, data.batch(128, size)[0])
        average.load_state_dict(network.state_dict())
    begin = saved_at = reported = validated = time.time()
    before, known, recent = state["seconds"], state["seen"], None
    if until:
        end = datetime.combine(datetime.now(), datetime.strptime(until, "%H:%M").time())
        end += timedelta(days=end.timestamp() < begin)  # it is tomorrow's
        minutes = (before + end.timestamp() - begin) / 60
    while state["seconds"] < 60 * minutes:
        done = state["seconds"] / (60 * minutes)
        lr = last_lr + (first_lr - last_lr) * (1 + np.cos(np.pi * done)) / 2
        for group in optimiser.param_groups:
            group["lr"] = float(lr) * min(1, (state["step"] + 1) / 30)
        network.train()
        pixels, masks = data.batch(BATCH, size)
        loss = loss_of(network(pixels.to(memory_format=torch.channels_last)), masks)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        state["step"] += 1
        state["seen"] += BATCH
        keep = min(0.99, (1 + state["step"]) / (10 + state["step"]))
        with torch.no_grad():
            ours, theirs = network.state_dict(), average.state_dict()
            for key, value in theirs.items():
                if value.is_floating_point():
                    value.lerp_(ours[key], 1 - keep)
        recent = loss.item() if recent is None else 0.97 * recent + 0.03 * loss.item()
        now = time.time()
        state["seconds"] = before + now - begin
        over = state["seconds"] >= 60 * minutes
        if now - reported > REPORT_SECONDS or state["step"] == 1:
            reported = now
            speed = f"{state['seen']:,} seen, {(state['seen'] - known) / (now - begin):.1f}/s"
            print(f"{name} {state['seconds'] / 60:5.1f} of {minutes:.0f} min, {speed}: "
                  f"loss {recent:.3f}", flush=True)  # fmt: skip
        if now - saved_at > CHECKPOINT_SECONDS or over:
            holders = {"network": network, "average": average, "optimiser": optimiser}
            torch.save(state | {k: h.state_dict() for k, h in holders.items()}, f"{path}.part")
            os.replace(f"{path}.part", path)
            data.look_for_more()
            saved_at = now
        if now - validated > VALIDATE_SECONDS or over:
            said = f"at {size}: IoU {validate(average, data, size)}; {data}"
            print(said, flush=True)
            with open(build / "cutout" / "log.csv", "a", newline="") as log:
                csv.writer(log).writerow([name, f"{state['seconds']:.0f}", state["seen"], said])
            validated = time.time()


@torch.no_grad()
def sizes(build: Path) -> None:
    """Print the IoU of the dev pets and of the photos for choosing by the size looked at."""
    network = Network().eval()
    network.load_state_dict(
        torch.load(build / "cutout" / "cutout.pt", weights_only=True)["average"]
    )
    for name, (pixels, masks) in Cutouts(build, 256).validation(SHIPPED_SIZE).items():
        print(f"{name}, {len(masks)} photos, each size with its mirror image: mean IoU")
        logits = {}
        for size in range(160, 321, 32):
            small = F.interpolate(pixels, (size, size), mode="bilinear")
            both = [network(p)[0] + network(p.flip(3))[0].flip(3) for p in small.split(16)]
            logits[size] = F.interpolate(torch.cat(both), masks.shape[2:], mode="bilinear")
            print(f"  {size}: {iou(logits[size].sigmoid(), masks).mean():.3f}", flush=True)
        for two in combinations(logits, 2):
            found = sum(logits[size] for size in two).sigmoid()
            print(f"  {two[0]} and {two[1]}: {iou(found, masks).mean():.3f}")


def export(build: Path, out: Path) -> None:
    """The averaged weights as ONNX, in place only when complete."""
    network, saved = Network(), torch.load(build / "cutout" / "cutout.pt", weights_only=True)
    network.load_state_dict(saved["average"])
    out.mkdir(parents=True, exist_ok=True)
    pixels = torch.randn(1, 3, SHIPPED_SIZE, SHIPPED_SIZE)
    shipped = Shipped(network).eval()
    torch.onnx.export(shipped, (pixels,), part := out / "cutout.part", input_names=["input"],
                      output_names=["mask"], opset_version=17, dynamo=False)  # fmt: skip
    os.replace(part, out / "cutout.onnx")
    print(f"wrote {out / 'cutout.onnx'}, {(out / 'cutout.onnx').stat().st_size / 1e6:.2f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, does in (("train", "one stage; goes on where it was"), ("export", "write the ONNX"),
                       ("sizes", "IoU by the size looked at, 2 minutes"),
                       ("evaluate", "IoU and speed of the ONNX, 3 minutes")):  # fmt: skip
        command = commands.add_parser(name, help=does, description=does)
        command.add_argument("--build", type=Path, default=ROOT / "build")
        if name == "export":
            out = ROOT / "data" / "models" / "cutout"
            command.add_argument("--out", type=Path, default=out)
        if name == "evaluate":
            command.add_argument("--pets", type=int, help="so many test photos at random, not all")
        if name == "train":
            command.add_argument("stage", choices=STAGES)
            command.add_argument("--minutes", type=float, default=45.0, help="(default 45)")
            command.add_argument(
                "--until", metavar="HH:MM", help="end by the clock; tomorrow, if past"
            )
            command.add_argument("--start", type=Path, metavar="ONNX", help="from these weights")
            command.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    if args.command == "train":
        torch.set_num_threads(args.threads)
        train(args.stage, args.minutes, args.build, args.until, args.start)
    elif args.command == "sizes":
        sizes(args.build)
    elif args.command == "export":
        export(args.build, args.out)
    else:
        evaluate(args.build, args.pets)


if __name__ == "__main__":
    main()
