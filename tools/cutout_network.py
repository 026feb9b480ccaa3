"""The network of `train_cutout.py`, the form in which it is shipped, and the way back from there.

One U of nested Us, like Qin et al., arXiv 2005.09007, figures 2 and 5, but it starts at a quarter
of the size and has four scales.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

WORKING_SIZES = 256, 320  # chosen on the dev pets


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
        # Looks at the picture once more for the outline; starts as no change.
        self.fine = nn.Sequential(block(72, 24), nn.Conv2d(24, 16, 3, padding=1))
        nn.init.zeros_(self.fine[1].weight)
        nn.init.zeros_(self.fine[1].bias)
        self.sides = nn.ModuleList(nn.Conv2d(width, 1, 3, padding=1) for width in (48, 96, 96))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        pixels, kept = F.pixel_unshuffle(x, 4), []
        y = self.stem(pixels)
        for i, down in enumerate(self.down):
            y = down(F.max_pool2d(y, 2) if i else y)
            kept.append(y)
        answers = [y := kept.pop()]
        for up, side in zip(reversed(self.up), reversed(kept), strict=True):
            y = up(torch.cat([grow(y, side), side], 1))
            answers.insert(0, y)
        mask = F.pixel_shuffle(self.head(y) + self.fine(torch.cat([y, pixels], 1)), 4)
        return [mask, *(side(a) for side, a in zip(self.sides, answers[1:], strict=True))]


class Shipped(nn.Module):
    """What rembg calls: (1, 3, 320, 320) normalised -> (1, 1, 320, 320) probability.

    The picture is looked at in several sizes, each as it is and mirrored; the logits are averaged.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        both, total = torch.cat([x, x.flip(3)]), 0.0
        for size in WORKING_SIZES:
            small = F.interpolate(both, size=(size, size), mode="bilinear")
            total = total + F.interpolate(self.network(small)[0], x.shape[2:], mode="bilinear")
        return torch.sigmoid((total[:1] + total[1:].flip(3)) / (2 * len(WORKING_SIZES)))


@torch.no_grad()
def take_over(network: Network, path: Path, pixels: torch.Tensor) -> None:
    """Give `network` the weights of an exported `cutout.onnx`; what that lacks stays as it is.

    The file holds no batch normalisation: it is folded into the convolutions. Each layer is set to
    undo the mean and deviation that it meets on `pixels`, (b, 3, s, s) as the network sees them.
    """
    import onnx

    graph = onnx.load(path).graph
    held = {i.name: torch.tensor(onnx.numpy_helper.to_array(i)) for i in graph.initializer}
    convs = iter([[held[name] for name in n.input[1:]] for n in graph.node if n.op_type == "Conv"])
    shift = None

    def fill(layer: nn.Module, inputs: tuple[torch.Tensor]) -> None:
        nonlocal shift
        if isinstance(layer, nn.Conv2d):
            weight, shift = next(convs, (None, None))
            if weight is not None:
                layer.weight.copy_(weight)
            if weight is not None and layer.bias is not None:
                layer.bias.copy_(shift)
        elif shift is not None:
            mean, variance = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3))
            layer.running_mean.copy_(mean)
            layer.running_var.copy_(variance)
            layer.weight.copy_((variance + layer.eps).sqrt())
            layer.bias.copy_(mean + shift)

    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.BatchNorm2d))]
    hooks = [layer.register_forward_pre_hook(fill) for layer in layers]
    network.eval()(pixels)
    for hook in hooks:
        hook.remove()
