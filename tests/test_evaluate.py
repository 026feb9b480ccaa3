"""`tools/evaluate.py`: other models, and intervals of what leaving identities out changes."""

import sys
from pathlib import Path

import checkpoints
import numpy as np
import pytest
from PIL import Image

from vitsim import evaluation as ev

sys.path.append(str(Path(__file__).parents[1] / "tools"))
import evaluate


def search(pets: int = 12, photos: int = 4, seed: int = 0):
    """Scores between photos of pets that overlap, and whose they are."""
    rng = np.random.default_rng(seed)
    ids = np.repeat(np.arange(pets), photos)
    vectors = rng.normal(size=(pets, 8))[ids] + rng.normal(size=(len(ids), 8))
    return evaluate.leave_one_out(vectors), np.char.mod("pet %d", ids)


@pytest.mark.parametrize("kind", ["ViTModel", "Dinov2Model"])
def test_an_untrained_twin_of_any_vit_embeds_and_is_kept_apart_from_others(kind, tmp_path):
    photo, found = Image.new("RGB", (40, 30), "red"), []
    for width in (32, 64):
        made = checkpoints.make(
            tmp_path / f"{kind}{width}", kind, **checkpoints.SMALL | {"hidden_size": width}
        )
        models = evaluate.embedders(str(made), tmp_path / "no teacher", tmp_path / "memory")
        found.append(models["untrained ViT"]([photo]).shape)
    assert found == [(1, 32), (1, 64)]


def test_each_identity_left_out_is_the_jackknife_of_evaluation():
    scores, ids = search()
    values = evaluate.without_each(scores, (ids, ids), (ids, ids))
    mine = evaluate.jackknife_interval(values[0], values[1:], 12)
    theirs = ev.jackknife_by_identity(ev.recall_at_k, scores, ids, ids)
    assert [mine.low, mine.estimate, mine.high] == pytest.approx(
        [theirs.low, theirs.estimate, theirs.high]
    )


def test_a_change_is_paired_and_turns_with_its_sign():
    (one, ids), (other, _) = search(seed=1), search(seed=2)
    left, right = (evaluate.without_each(s, (ids, ids), (ids, ids)) for s in (one, other))
    ahead, behind = evaluate.change(left, right, 12), evaluate.change(right, left, 12)
    assert ahead.estimate == pytest.approx(left[0] - right[0])
    assert (ahead.low, ahead.high) == pytest.approx((-behind.high, -behind.low))
    assert ahead.low < ahead.estimate < ahead.high
