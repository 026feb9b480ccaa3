"""Say where the vectors of `tiny` are to go, for photographs and for pets, in closed form.

    python tools/vector_space.py                          about 3 minutes
    python tools/vector_space.py --start data/models/tiny to go on from a model

Photographs: the teacher's features, centred, in 192 principal components
(`build/photos/space.npz`). To go on from a model they are turned towards its own vectors.

Pets: a linear map of the traits that `describe_pets.py` knows (`build/pet_space.npy`). Not every
trait can be seen, so the map weighs them as Fisher's discriminant does: ridge regression predicts
the traits from the teacher's features of cut-out pets, and directions of traits that come out
well against their error count more (by sqrt(lambda / (1 + lambda)), lambda the ratio of the two
variances). The prediction, mapped the same way, is a teacher for pets; its recall on litters kept
for choosing and on the shipped dev pets is printed beside that of the plain features.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from pets_and_photos import Photos, cut_outs, shipped_dev_pets, to_cut, to_pixels
from PIL import Image
from scipy.linalg import eigh
from teacher_targets import MIXED, TEACHER, teacher_features
from train_vit import embed_all
from transformers import ViTModel
from vit_model import recall

from vitsim.similarity import normalise

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 192  # of the vectors


def features(teacher: Path, pixels: torch.Tensor) -> np.ndarray:
    """(n, 3, s, s) in [-1, 1] -> (n, 1024), the teacher's, square roots: few are large."""
    pictures = ((pixels + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    images = (Image.fromarray(p).resize((224, 224), Image.BICUBIC) for p in pictures)
    return np.sqrt(np.stack([teacher_features(teacher, image) for image in images]) / 255)


def cut_out_pets(path: Path) -> torch.Tensor:
    """Three photos of every second pet of a litter, cut out: (12, 3, 160, 160)."""
    return cut_outs(to_cut(np.load(path)[::2, ::2].reshape(-1, 160, 160, 4)))


def ridge(x: np.ndarray, y: np.ndarray, strength: float) -> np.ndarray:
    """Weights w of y ~ x w, with the penalty `strength` times the mean variance of x."""
    gram = x.T @ x
    return np.linalg.solve(
        gram + strength * np.trace(gram) / len(gram) * np.eye(len(gram)), x.T @ y
    )


def turn(ours: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The rotation (k, width) that brings targets (n, k) nearest to our vectors (n, width).

    Orthogonal Procrustes, Schoenemann 1966: from the singular vectors of their product.
    """
    left, _, right = np.linalg.svd(targets.T @ ours, full_matrices=False)
    return (left @ right).astype(np.float32)


def principal_axes(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Mean (1024,) and principal axes (1024, 192) of the teacher's features of training photos.

    Their cosines are kept as well as so many numbers can.
    """
    with open(folder / "photos.csv") as file:
        train = np.array([row["split"] == "train" for row in csv.DictReader(file)])
    features = np.load(folder / "targets.npy")[train, :-MIXED].reshape(-1, 1024)
    features = torch.from_numpy(features).float()
    mean = features.mean(0)
    features -= mean
    return mean.numpy(), torch.linalg.eigh(features.T @ features)[1][:, -WIDTH:].numpy()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--teacher", type=Path, default=ROOT.parent / "shared/teachers" / TEACHER)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--start", type=Path, help="folder of the model that training starts from")
    parser.add_argument("--litters", type=int, default=60, help="of pets to learn from (60)")
    args = parser.parse_args()
    stored = np.load(args.build / "pets.npz")
    traits = dict(zip(stored["names"].tolist(), stored["numbers"].clip(-3, 3), strict=True))

    paths = sorted((args.build / "coated").glob("litter_*.npy"))
    kept, used = paths[:12], paths[12:][: args.litters]
    names = [f"{p.stem}_{i}" for p in [*kept, *used] for i in range(0, 8, 2) for _ in range(3)]
    pictures = torch.cat([cut_out_pets(path) for path in [*kept, *used]])
    found = features(args.teacher, pictures)
    train = np.arange(len(found)) >= 12 * len(kept)
    mean = found[train].mean(0)
    x, y = found - mean, np.stack([traits[name] for name in names])
    fold = np.arange(len(x)) // 12 % 5  # whole litters
    guess = np.empty_like(y)
    for one in range(5):
        fit = train & (fold != one)
        guess[fold == one] = x[fold == one] @ ridge(x[fit], y[fit], 1)
    error, signal = np.cov((y - guess)[train].T), np.cov(guess[train].T)
    error += 0.05 * np.eye(len(error))
    ratio, axes = eigh(signal, error)
    ratio = ratio.clip(0)
    space = axes * np.sqrt(ratio / (1 + ratio))
    print(f"{len(used)} litters; ratios {np.round(ratio[::-1][:12], 2)}")

    who = np.array(names)[~train]
    shot = np.tile(np.arange(3), len(who) // 3)
    weights = ridge(x[train], y[train], 1)
    _, alone, pets, allowed = shipped_dev_pets()
    dev = features(args.teacher, alone) - mean
    for title, one, names_, pairs in (("kept litters", x[~train], who, shot[:, None] != shot),
                                      ("dev pets", dev, pets, allowed)):  # fmt: skip
        plain, traits = normalise(one), normalise(one @ weights @ axes)
        print(f"{title}, cut out: the teacher {recall(plain, names_, pairs):.3f}, "
              f"its traits {recall(traits, names_, pairs):.3f}")  # fmt: skip

    folder = args.build / "photos"
    mean, axes = principal_axes(folder)
    np.savez(folder / "space.npz", mean=mean, axes=axes)
    if args.start:
        how = {"add_pooling_layer": False, "dtype": torch.float32}
        model = ViTModel.from_pretrained(args.start, use_safetensors=True, **how)
        ours = embed_all(model, pictures[train][::2], 224)
        space = space @ turn(ours - ours.mean(0), normalise(y[train][::2] @ space))
        photos = Photos(folder)
        rows = np.sort(np.random.default_rng(0).choice(photos.train, 1500, replace=False))
        ours = embed_all(model, to_pixels(photos.views[rows, 1]), 224)
        said = photos.targets[rows, 1].numpy()
        turned = turn(ours, said)
        cosine = np.sum(ours * (said @ turned), axis=1).mean()
        print(f"photos: cosine of the model's vectors to the teacher's {cosine:.3f}")
        np.savez(folder / "space.npz", mean=mean, axes=axes @ turned)
    else:
        space = np.pad(space, ((0, 0), (0, WIDTH - space.shape[1])))
    np.save(args.build / "pet_space.npy", space.astype(np.float32))


if __name__ == "__main__":
    main()
