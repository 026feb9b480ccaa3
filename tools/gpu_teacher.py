"""The teacher, a quantised MobileNetV1, as a torch module that runs on a GPU.

The file's own interpreter runs on a CPU only. Its integers are the weights here; between the
layers the numbers are float16 and are cut off at 0 and 6 as in the file, but are not rounded to
256 steps.
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F


def read_layers(path: Path | str) -> list[dict[str, np.ndarray]]:
    """Every convolution's kernel (out, in, k, k) uint8, zero point, scale and bias, in order."""
    from ai_edge_litert.interpreter import Interpreter

    teacher = Interpreter(str(path))
    teacher.allocate_tensors()
    about = {one["index"]: one["quantization"] for one in teacher.get_tensor_details()}
    layers = []
    for op in teacher._get_ops_details():
        if not op["op_name"].endswith("CONV_2D"):
            continue
        kernel, bias = (int(i) for i in op["inputs"][1:])
        deep = op["op_name"].startswith("DEPTHWISE")
        layers.append({
            "kernel": teacher.get_tensor(kernel).transpose((3, 0, 1, 2) if deep else (0, 3, 1, 2)),
            "scale": np.float32(about[kernel][0]),
            "zero": np.float32(about[kernel][1]),
            "bias": teacher.get_tensor(bias) * np.float32(about[bias][0]),
            "step": np.float32(about[int(op["outputs"][0])][0]),
        })  # fmt: skip
    return layers


class Teacher(torch.nn.Module):
    """(n, 3, 224, 224) in [-1, 1] -> (n, 1024) float32 in the units of the file, 0 to 255."""

    STRIDES = dict.fromkeys((0, 3, 7, 11, 23), 2)  # layer: stride; of all others 1

    def __init__(self, layers: list[dict[str, np.ndarray]], dtype: torch.dtype) -> None:
        super().__init__()
        self.step = float(layers[-1]["step"])
        for i, one in enumerate(layers):
            kernel = (one["kernel"].astype(np.float32) - one["zero"]) * one["scale"]
            for name, value in (("kernel", kernel), ("bias", one["bias"])):
                self.register_buffer(f"{name}_{i}", torch.from_numpy(value).to(dtype))
        self.count = len(layers)

    @torch.no_grad()
    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        x = pixels.to(self.kernel_0.dtype).contiguous(memory_format=torch.channels_last)
        for i in range(self.count):
            kernel, bias = getattr(self, f"kernel_{i}"), getattr(self, f"bias_{i}")
            stride = self.STRIDES.get(i, 1)
            if kernel.shape[2] == 3:  # as TensorFlow pads: what is odd goes right and below
                x = F.pad(x, (2 - stride, 1, 2 - stride, 1))
            deep = kernel.shape[1] == 1 < x.shape[1]
            x = F.conv2d(x, kernel, bias, stride, groups=x.shape[1] if deep else 1).clamp_(0, 6)
        return x.float().mean((2, 3)) / self.step
