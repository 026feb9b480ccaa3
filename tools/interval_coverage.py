"""Print how often the 95 % intervals of `vitsim.evaluation` hold a truth that is known.

    python tools/interval_coverage.py                    the table, over an hour on one core
    python tools/interval_coverage.py --pets 20 --worlds 200

A world has `n` pets with two query photos and one gallery photo each. The score of two photos,
of the pets i and j, is aᵢ + aⱼ + effects of both photos + noise, all normal; where i = j, a bonus
of its own for each pet comes on top. A pet with a high a resembles all others. Pets make up 30 %
of the variance of impostor scores in the first kind of world, 57 % in the second.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from vitsim import evaluation as ev

QUERIES, BONUS = 2, 2.0  # photos of a pet; mean of what a genuine pair scores more
HIGH = 2.5  # a threshold that few impostors reach


@dataclass(frozen=True)
class World:
    """Standard deviations of the effects of pets, photos, pairs, and of the genuine bonus."""

    pet: float
    photo: float
    noise: float
    bonus: float

    def search(self, rng: np.random.Generator, n: int) -> tuple:
        """(scores `(2n, n)`, ids of queries, ids of the gallery) of n new pets."""
        a, bonus, ids = rng.normal(0, self.pet, n), rng.normal(BONUS, self.bonus, n), np.arange(n)
        asked = np.repeat(ids, QUERIES)
        scores = a[asked][:, None] + a + rng.normal(0, self.photo, (len(asked), 1))
        scores += rng.normal(0, self.photo, n) + rng.normal(0, self.noise, (len(asked), n))
        return scores + (asked[:, None] == ids) * bonus, asked, ids

    def spreads(self) -> tuple[float, float]:
        """The standard deviations of all impostor scores, and of all genuine ones."""
        shared = 2 * self.photo**2 + self.noise**2
        impostor = 2 * self.pet**2 + shared
        return np.sqrt(impostor), np.sqrt(4 * self.pet**2 + shared + self.bonus**2)

    def rates(self) -> dict[str, tuple]:
        """Name → (statistic, its true value)."""
        impostor_sd, genuine_sd = self.spreads()
        tenth = norm.isf(0.1) * impostor_sd
        grid = np.linspace(-2, 6, 80_001)
        fmr, fnmr = norm.sf(grid / impostor_sd), norm.cdf((grid - BONUS) / genuine_sd)
        return {
            f"FMR {100 * norm.sf(HIGH / impostor_sd):.0f} %": (
                of_pairs(lambda genuine, impostor: np.mean(impostor >= HIGH)),
                norm.sf(HIGH / impostor_sd),
            ),
            "FMR 10 %": (of_pairs(lambda genuine, impostor: np.mean(impostor >= tenth)), 0.1),
            "FNMR": (
                of_pairs(lambda genuine, impostor: np.mean(genuine < HIGH)),
                norm.cdf((HIGH - BONUS) / genuine_sd),
            ),
            "EER": (
                of_pairs(lambda *both: ev.equal_error_rate(*both).rate),
                fmr[np.argmin(np.abs(fmr - fnmr))],
            ),
            "d′": (of_pairs(ev.d_prime), BONUS / np.hypot(impostor_sd, genuine_sd) * np.sqrt(2)),
        }


BY_RANK = {"recall@1": ev.recall_at_k, "mAP": ev.mean_average_precision}
WORLDS = (World(0.5, 0.3, 1.0, 0.5), World(0.7, 0.5, 0.5, 1.0))


def of_pairs(rate):
    """A statistic of genuine and impostor scores as one of scores and ids."""
    return lambda *search: rate(*ev.genuine_impostor_scores(*search))


def coverage(kind: int, n: int, worlds: int, repeats: int) -> dict[str, float]:
    """Share of `worlds` of n pets in which each interval holds the truth."""
    rng, world = np.random.default_rng(n + kind), WORLDS[kind]
    rates, ranked = world.rates(), {name: [] for name in BY_RANK}
    held = {name: 0 for name in rates}
    for seed in range(worlds):
        search = world.search(rng, n)
        for name, (rate, truth) in rates.items():
            found = ev.bootstrap_by_identity(rate, *search, repeats=repeats, seed=seed)
            held[name] += found.low <= truth <= found.high
        for name, found in ranked.items():
            found.append(ev.jackknife_by_identity(BY_RANK[name], *search))
    for name, found in ranked.items():
        truth = np.mean([one.estimate for one in found])  # no formula is known: the mean of all
        held[name] = sum(one.low <= truth <= one.high for one in found)
    return {name: count / worlds for name, count in held.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pets", type=int, nargs="+", default=[12, 20, 40, 80])
    parser.add_argument("--worlds", type=int, default=500, help="of each kind and size (500)")
    parser.add_argument("--repeats", type=int, default=400, help="of the bootstrap (400)")
    args = parser.parse_args()
    for kind in range(len(WORLDS)):
        for row, n in enumerate(args.pets):
            found = coverage(kind, n, args.worlds, args.repeats)
            if not row:
                print("\n| pets | " + " | ".join(found) + " |\n|" + "---|" * (len(found) + 1))
            print(f"| {n} | " + " | ".join(f"{share:.2f}" for share in found.values()) + " |")


if __name__ == "__main__":
    main()
