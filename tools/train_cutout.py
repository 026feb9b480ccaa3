"""Train `cutout`, the shipped background remover: a small network in the manner of U2-Net.

    train_cutout.py train low  --minutes 30   96 px, the cheapest samples
    train_cutout.py train full --minutes 20   128 px; the shipped network works at 160
    train_cutout.py export                    data/models/cutout/cutout.onnx, as rembg wants it
    train_cutout.py evaluate                  IoU through rembg, on pets and animals never seen

Needs `build/cutout/` (cutout_labels.py) and `build/sketches/` (sketch_pets.py); takes backgrounds
from `build/photos/` (teacher_targets.py) and the rendered pets of `build/train_pets/` if they are
there or as they appear. A free core sees about 60 samples a second at 96 px, 40 at 128 px. Stop it
at any time: the same command goes on where it was. The network is one U of nested Us, like Qin et
al., arXiv 2005.09007, figures 2 and 5, but it starts at a quarter of the size and has four scales.
"""

import argparse
import csv
import os
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import torch
from cutout_batches import Cutouts
from evaluate_cutout import evaluate
from torch import nn
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parents[1]
STAGES = {"low": (96, 2e-3, 1.6e-3), "full": (128, 1.6e-3, 2e-5)}  # pixels, learning rate from, to
BATCH, SHIPPED_SIZE = 16, 320
REPORT_SECONDS, CHECKPOINT_SECONDS, VALIDATE_SECONDS = 30, 60, 300


def block(into: int, out: int, dilation: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(into, out, 3, padding=dilation, dilation=dilation, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), nn.ReLU(inplace=True))


def grow(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)


class RSU(nn.Module):
    """A residual U-block: a small U-Net of `depth` scales whose output is added to its input."""

    def __init__(self, depth: int, into: int, middle: int, out: int) -> None:
        super().__init__()
        self.first = block(into, out)
        self.down = nn.ModuleList(block(out if i == 0 else middle, middle) for i in range(depth))
        self.bottom = block(middle, middle, dilation=2)
        self.up = nn.ModuleList(block(2 * middle, out if i == 0 else middle) for i in range(depth))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        kept, y = [], x
        for i, down in enumerate(self.down):
            y = down(F.max_pool2d(y, 2) if i else y)
            kept.append(y)
        y = self.bottom(y)
        for up, side in zip(reversed(self.up), reversed(kept), strict=True):
            y = up(torch.cat([grow(y, side), side], 1))
        return x + y


class DilatedRSU(nn.Module):
    """The same with dilation in place of pooling, for maps that are small already."""

    def __init__(self, into: int, middle: int, out: int) -> None:
        super().__init__()
        self.first = block(into, out)
        self.down = nn.ModuleList(block(out if d == 1 else middle, middle, d) for d in (1, 2, 4))
        self.up = nn.ModuleList([block(2 * middle, middle, 2), block(2 * middle, out)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        a = self.down[0](x)
        b = self.down[1](a)
        c = self.down[2](b)
        return x + self.up[1](torch.cat([self.up[0](torch.cat([c, b], 1)), a], 1))


class Network(nn.Module):
    """(b, 3, s, s) normalised -> four (b, 1, ., .) logits: s, s/8, s/16, s/32; s = 32 n."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = block(48, 24)  # works at s/4, on 4 x 4 pixels at a time
        self.down = nn.ModuleList(
            [RSU(2, 24, 16, 24), RSU(2, 24, 24, 48), DilatedRSU(48, 32, 96), DilatedRSU(96, 32, 96)]
        )
        self.up = nn.ModuleList(
            [RSU(2, 72, 16, 24), RSU(2, 144, 24, 48), DilatedRSU(192, 32, 96)]
        )  # fmt: skip
        self.head = nn.Conv2d(24, 16, 3, padding=1)
        self.sides = nn.ModuleList(nn.Conv2d(width, 1, 3, padding=1) for width in (48, 96, 96))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        y, kept = self.stem(F.pixel_unshuffle(x, 4)), []
        for i, down in enumerate(self.down):
            y = down(F.max_pool2d(y, 2) if i else y)
            kept.append(y)
        answers = [y := kept.pop()]
        for up, side in zip(reversed(self.up), reversed(kept), strict=True):
            y = up(torch.cat([grow(y, side), side], 1))
            answers.insert(0, y)
        sides = [side(a) for side, a in zip(self.sides, answers[1:], strict=True)]
        return [F.pixel_shuffle(self.head(y), 4), *sides]


class Shipped(nn.Module):
    """What rembg calls: (1, 3, 320, 320) normalised -> (1, 1, 320, 320) probability."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = self.network(F.avg_pool2d(x, 2))[0]  # 160 px did better than 128 on val
        return torch.sigmoid(F.interpolate(logits, scale_factor=2.0, mode="bilinear"))


def loss_of(answers: list[torch.Tensor], masks: torch.Tensor) -> torch.Tensor:
    """Cross-entropy and 1 - IoU at every scale; the finest counts most. Masks may be soft."""
    total = 0.0
    for answer, weight in zip(answers, (1.0, 0.3, 0.2, 0.2), strict=True):
        target = F.adaptive_avg_pool2d(masks, answer.shape[2:])
        p = answer.sigmoid()
        both = (p * target).sum((1, 2, 3))
        either = (p + target - p * target).sum((1, 2, 3))
        iou = 1 - ((both + 1) / (either + 1)).mean()
        total = total + weight * (F.binary_cross_entropy_with_logits(answer, target) + iou)
    return total


def iou(p: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """(b,) intersection over union at threshold 0.5."""
    p, masks = p > 0.5, masks > 0.5
    return (p & masks).sum((1, 2, 3)) / (p | masks).sum((1, 2, 3)).clamp(min=1)


@torch.no_grad()
def validate(network: Network, data: Cutouts, size: int) -> str:
    """Mean IoU on rendered litters and on animal classes that are not trained on."""
    network.eval()
    told = []
    for name, (pixels, masks) in data.validation(size).items():
        found = [network(p)[0].sigmoid() for p in pixels.split(32)]
        told.append(f"{name} {iou(torch.cat(found), masks).mean():.3f} ({len(masks)})")
    return ", ".join(told)


def train(name: str, minutes: float, build: Path, until: str | None = None) -> None:
    size, first_lr, last_lr = STAGES[name]
    path = build / "cutout" / "cutout.pt"
    data = Cutouts(build)
    network, average = Network().to(memory_format=torch.channels_last), Network()
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=0.01, fused=True)
    state = {"stage": name, "seconds": 0.0, "step": 0, "seen": 0}
    if path.exists():
        saved = torch.load(path, weights_only=True)
        network.load_state_dict(saved["network"])
        average.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
        state |= {k: saved[k] for k in state}
        state |= {"stage": name, "seconds": 0.0} if saved["stage"] != name else {}
    else:
        average.load_state_dict(network.state_dict())
    begin = saved_at = reported = validated = time.time()
    before, known, recent = state["seconds"], state["seen"], None
    if until:
        end = datetime.combine(datetime.now(), datetime.strptime(until, "%H:%M").time())
        minutes = (before + end.timestamp() - begin) / 60
    while state["seconds"] < 60 * minutes:
        done = state["seconds"] / (60 * minutes)
        lr = last_lr + (first_lr - last_lr) * (1 + np.cos(np.pi * done)) / 2
        for group in optimiser.param_groups:
            group["lr"] = float(lr) * min(1, (state["step"] + 1) / 100)
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
            command.add_argument("--until", metavar="HH:MM", help="end by the clock instead")
            command.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    if args.command == "train":
        torch.set_num_threads(args.threads)
        train(args.stage, args.minutes, args.build, args.until)
    elif args.command == "export":
        export(args.build, args.out)
    else:
        evaluate(args.build, args.pets)


if __name__ == "__main__":
    main()
