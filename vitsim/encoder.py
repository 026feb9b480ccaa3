"""A Vision Transformer as a function: photos in, embeddings, patch tokens or attention out.

The model and its processor come from transformers, from a folder or a hub; vitsim adds the
batches, the checks and messages that say what to do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from . import models
from .images import Photo, fit, open_photo

if TYPE_CHECKING:
    import torch

POOLINGS = ("cls", "mean")
DTYPES = ("float64", "float32", "bfloat16", "float16")
_cores = threading.Lock()  # held by who uses every core with a thread of its own
_eager = threading.Lock()  # held while a model is made to say its attention
_image = threading.Lock()  # Pillow reads an image when it is first looked at: not in two threads


@dataclass(frozen=True)
class Encoder:
    """A loaded Vision Transformer; make one with `Encoder.load`.

    `size` is the side of the square it looks at, in pixels; `revision` is the hub's commit, or
    the first 12 digits of the SHA-256 of the weights for a model from a folder.
    """

    name: str
    revision: str
    size: int
    model: torch.nn.Module
    processor: object

    @classmethod
    def load(cls, name: str | None = None, device: str = "auto", dtype: str = "float32") -> Encoder:
        """Load `tiny`, a hub id such as `google/vit-base-patch16-224`, or a folder in hub format.

        `name=None` takes `VITSIM_MODEL`, else `tiny`. `dtype="auto"` is for bulk work: bfloat16
        where the hardware computes it, else float32; "float64" is for checks by hand.
        `device="auto"` takes CUDA or MPS if there.
        Raises: `models.ModelError`; nothing else is used in place of the model that was asked for.
        `ValueError` for a `dtype` that is none of `DTYPES`, torch's `RuntimeError` for a `device`
        that it does not have.
        """
        name = name or models.default_model()
        model, processor, revision = models.load(name)
        device = best_device() if device == "auto" else device
        model = model.to(device=device, dtype=_dtype(dtype, device)).eval()
        return cls(name, revision, _input_side(processor, model.config), model, processor)

    @property
    def dim(self) -> int:
        """Length d of an embedding."""
        return self.model.config.hidden_size

    @property
    def grid(self) -> int:
        """Patches along one side of the square."""
        return self.size // self.model.config.patch_size

    def prepare(self, photos: Sequence[Photo], how: str = "letterbox") -> torch.Tensor:
        """Photos (paths or images) → `(n, 3, size, size)`: fitted, scaled, normalised.

        Raises `PhotoError` for one that cannot be read, `ValueError` for an unknown `how`.
        """
        images = [fit(_opened(photo), self.size, how) for photo in photos]
        done = {"do_resize": False, "do_center_crop": False}  # `fit` has seen to both
        pixels = self.processor(images, return_tensors="pt", **done)["pixel_values"]
        return pixels.to(device=self.model.device, dtype=self.model.dtype)

    def embed(
        self,
        photos: Iterable[Photo],
        pooling: str = "cls",
        how: str = "letterbox",
        batch_size: int | None = None,
        progress: bool = False,
    ) -> np.ndarray:
        """Photos (paths or images) → `(n, d)` float32, each row of Euclidean norm 1.

        `pooling="cls"` takes the final CLS token; `"mean"` the mean of the patch tokens, without
        the other tokens. On a CPU every core has a batch of its own; for a GPU they read and fit
        photos, at most three batches ahead of it. Unless said otherwise a batch has 4 photos, on
        a GPU 128. No photos give `(0, d)`.
        Raises `PhotoError` for one that cannot be read, `TypeError` for a single photo in place of
        a list, `ValueError` for an unknown `pooling` or `how` or a `batch_size` below 1.
        """
        from tqdm import tqdm

        if pooling not in POOLINGS:
            raise ValueError(f"pooling={pooling!r}: expected one of {', '.join(POOLINGS)}")
        if isinstance(photos, Photo):
            raise TypeError("expected a list of photos; for a single one write [photo]")
        on_cpu = self.model.device.type == "cpu"
        if batch_size is None:
            batch_size = 4 if on_cpu else 128
        if batch_size < 1:
            raise ValueError(f"batch_size={batch_size}: expected at least 1 photo")
        photos = list(photos)
        batches = [photos[i : i + batch_size] for i in range(0, len(photos), batch_size)]
        vectors = np.empty((len(photos), self.dim), dtype=np.float32)
        done, embed = 0, self._on_cpu if on_cpu else self._on_gpu
        bar = tqdm(total=len(photos), desc="embedding", unit="photo", disable=not progress)
        with bar, closing(embed(batches, pooling, how)) as embedded:
            for some in embedded:
                vectors[done : done + len(some)] = some
                done += len(some)
                bar.update(len(some))
        return vectors

    def _on_cpu(self, batches: list, pooling: str, how: str) -> Iterator[np.ndarray]:
        with _all_cores(len(batches)) as each:
            yield from each(partial(self._embed, pooling=pooling, how=how), batches)

    def _embed(self, batch: list[Photo], pooling: str, how: str) -> np.ndarray:
        return self._pooled(self.prepare(batch, how), pooling).cpu().numpy()

    def _on_gpu(self, batches: list, pooling: str, how: str) -> Iterator[np.ndarray]:
        import torch

        device, ends = self.model.device, [Image.new("RGB", (1, 1), c) for c in ("black", "white")]
        # The processor scales each channel by itself: its black and its white say how.
        pixels = self.processor(ends, return_tensors="pt")["pixel_values"]
        black, white = pixels[:, :, :1, :1].to(device)

        def fitted(photo: Photo) -> np.ndarray:
            return np.asarray(fit(_opened(photo), self.size, how))

        def begin(photos: Iterable[np.ndarray]) -> torch.Tensor:
            levels = torch.from_numpy(np.stack(list(photos)))
            levels = levels.pin_memory() if device.type == "cuda" else levels  # to send unawaited
            levels = levels.to(device, non_blocking=True).permute(0, 3, 1, 2)
            pixels = black + levels * ((white - black) / 255)
            return self._pooled(pixels.to(self.model.dtype), pooling)

        with ThreadPoolExecutor() as pool:
            ready = _one_ahead(_one_ahead(pool.map(fitted, batch) for batch in batches))
            try:
                for vectors in _one_ahead(map(begin, ready)):
                    yield vectors.cpu().numpy()
            finally:
                pool.shutdown(cancel_futures=True)

    def _pooled(self, pixels: torch.Tensor, pooling: str) -> torch.Tensor:
        tokens = self._tokens(pixels)
        pooled = tokens[:, 0] if pooling == "cls" else self._patches(tokens).mean(1)
        return pooled / pooled.norm(dim=1, keepdim=True)

    def patch_tokens(self, photo: Photo, how: str = "letterbox") -> np.ndarray:
        """One photo → `(grid, grid, d)` float32: the final token of each patch, not normalised."""
        tokens = self._patches(self._tokens(self.prepare([photo], how)))
        return tokens.reshape(self.grid, self.grid, self.dim).cpu().numpy()

    def attention(self, photo: Photo, how: str = "letterbox") -> np.ndarray:
        """One photo → `(layers, heads, tokens, tokens)` float32; every row sums to 1.

        Token 0 is CLS. Computed with the eager implementation: the fused one returns no weights.
        """
        import torch

        pixels = self.prepare([photo], how)
        with _eager, torch.inference_mode():
            fused = self.model.config._attn_implementation
            self.model.set_attn_implementation("eager")
            try:
                output = self.model(pixels, output_attentions=True)
            finally:
                self.model.set_attn_implementation(fused)
        return torch.cat(output.attentions).float().cpu().numpy()

    def _patches(self, tokens: torch.Tensor) -> torch.Tensor:
        # They come last, after CLS and what else a model adds: a distillation token, registers.
        return tokens[:, -(self.grid**2) :]

    def _tokens(self, pixels: torch.Tensor) -> torch.Tensor:
        import torch

        with torch.inference_mode():
            return self.model(pixels).last_hidden_state.float()


def _opened(photo: Photo) -> Image.Image:
    with _image if isinstance(photo, Image.Image) else nullcontext():
        return open_photo(photo)


def _one_ahead(items: Iterable) -> Iterator:
    """`items`; each is given once the one behind it is begun."""
    return (item for item, _ in pairwise(chain(items, [None])))


@contextmanager
def _all_cores(batches: int) -> Iterator[Callable]:
    """`map` in a thread a core, each with its own batch: less waiting than a shared one."""
    import torch

    cores = torch.get_num_threads()
    if min(cores, batches) < 2:
        yield map
        return
    with _cores, ThreadPoolExecutor(min(cores, batches)) as pool:
        torch.set_num_threads(1)  # for all threads that begin now
        try:
            yield pool.map
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(cores)


def best_device() -> str:
    """`cuda`, `mps` or `cpu`: the best that torch finds here."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _dtype(dtype: str, device: str) -> torch.dtype:
    import torch

    if dtype != "auto":
        if dtype not in DTYPES:
            raise ValueError(f"dtype={dtype!r}: expected one of auto, {', '.join(DTYPES)}")
        return getattr(torch, dtype)
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    # On a CPU bfloat16 pays only where there are instructions for it; elsewhere it is emulated.
    native = device == "cpu" and getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
    return torch.bfloat16 if native else torch.float32


def _input_side(processor: object, config: object) -> int:
    """The side of the square that the processor would hand to the model."""
    for size in (getattr(processor, "crop_size", None), getattr(processor, "size", None)):
        side = getattr(size, "height", None) or getattr(size, "shortest_edge", None)
        if side:
            return side // config.patch_size * config.patch_size
    return config.image_size
