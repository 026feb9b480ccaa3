"""Print how often the 95 % intervals of `vitsim.evaluation` hold a truth that is known.

    python tools/interval_coverage.py                    the table, five minutes on one core
    python tools/interval_coverage.py --pets 20 --worlds 200

A world has `n` pets with two query photos and one gallery photo each. The score of two photos,
of the pets i and j, is aᵢ + aⱼ + effects of both photos + noise, all normal; where i = j, a bonus
of its own for each pet comes on top. A pet with a high a resembles all others. Pets make up 30 %
of the variance of impostor scores in the first kind of world, 57 % in the second, 81 % in the
third; the fourth is the second with a larger bonus, so that errors are few. FNMR is that at the
threshold where FMR is 3 %.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.stats import norm

from vitsim import evaluation as ev

QUERIES = 2  # photos of a pet


@dataclass(frozen=True)
class World:
    """Standard deviations of what pets, photos and pairs add; mean and deviation of the bonus."""

    pet: float
    photo: float
    noise: float
    bonus: float
    bonus_sd: float

    def search(self, rng: np.random.Generator, n: int) -> tuple:
        """(scores `(2n, n)`, ids of queries, ids of the gallery) of n new pets."""
        a, bonus = rng.normal(0, self.pet, n), rng.normal(self.bonus, self.bonus_sd, n)
        ids = np.arange(n)
        asked = np.repeat(ids, QUERIES)
        scores = a[asked][:, None] + a + rng.normal(0, self.photo, (len(asked), 1))
        scores += rng.normal(0, self.photo, n) + rng.normal(0, self.noise, (len(asked), n))
        return scores + (asked[:, None] == ids) * bonus, asked, ids

    def spreads(self) -> tuple[float, float]:
        """The standard deviations of all impostor scores, and of all genuine ones."""
        shared = 2 * self.photo**2 + self.noise**2
        impostor = 2 * self.pet**2 + shared
        return np.sqrt(impostor), np.sqrt(4 * self.pet**2 + shared + self.bonus_sd**2)

    def figures(self) -> dict[str, tuple[Callable, float | None]]:
        """Name → (the interval of a search, the true value or None)."""
        impostor_sd, genuine_sd = self.spreads()
        grid = np.linspace(-2, self.bonus + 6, 80_001)
        fmr, fnmr = norm.sf(grid / impostor_sd), norm.cdf((grid - self.bonus) / genuine_sd)
        limits = {share: norm.isf(share) * impostor_sd for share in (0.1, 0.03, 0.01)}
        found = {
            f"FMR {100 * share:.0f} %": (
                of_pairs(lambda genuine, impostor, limit=limit: np.mean(impostor >= limit)),
                share,
            )
            for share, limit in limits.items()
        }
        missed = of_pairs(lambda genuine, impostor: np.mean(genuine < limits[0.03]))
        apart = self.bonus / np.hypot(impostor_sd, genuine_sd) * np.sqrt(2)
        return found | {
            "FNMR": (missed, norm.cdf((limits[0.03] - self.bonus) / genuine_sd)),
            "recall@1": (partial(ev.jackknife_by_identity, ev.recall_at_k), None),
            "mAP": (partial(ev.jackknife_by_identity, ev.mean_average_precision), None),
            "EER": (ev.equal_error_rate_by_identity, fmr[np.argmin(np.abs(fmr - fnmr))]),
            "d′": (of_pairs(ev.d_prime, rate=False), apart),
        }


WORLDS = (
    World(0.5, 0.3, 1.0, 2.0, 0.5),
    World(0.7, 0.5, 0.5, 2.0, 1.0),
    World(0.9, 0.3, 0.45, 2.0, 0.5),
    World(0.7, 0.5, 0.5, 6.0, 1.0),
)


def of_pairs(figure: Callable, **options) -> Callable:
    """The interval of a figure of genuine and impostor scores."""
    return partial(
        ev.jackknife_by_identity,
        lambda *search: figure(*ev.genuine_impostor_scores(*search)),
        **options,
    )


def coverage(kind: int, n: int, worlds: int) -> dict[str, float]:
    """Share of `worlds` of n pets in which each interval holds the truth."""
    rng, world, held = np.random.default_rng(n + kind), WORLDS[kind], {}
    searches = [world.search(rng, n) for _ in range(worlds)]
    for name, (interval, truth) in world.figures().items():
        found = [interval(*search) for search in searches]
        if truth is None:  # no formula is known: the mean of all
            truth = np.mean([one.estimate for one in found])
        held[name] = np.mean([one.low <= truth <= one.high for one in found])
    return held


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pets", type=int, nargs="+", default=[12, 20, 40])
    parser.add_argument("--worlds", type=int, default=500, help="of each kind and size (500)")
    args = parser.parse_args()
    for kind in range(len(WORLDS)):
        for row, n in enumerate(args.pets):
            found = coverage(kind, n, args.worlds)
            if not row:
                print("\n| pets | " + " | ".join(found) + " |\n|" + "---|" * (len(found) + 1))
            print(f"| {n} | " + " | ".join(f"{share:.2f}" for share in found.values()) + " |")


if __name__ == "__main__":
    main()
