"""`tools/evaluate.py`: other models, and intervals of what leaving identities out changes."""

import sys
from pathlib import Path

import checkpoints
import numpy as np
import pytest
from PIL import Image

sys.path.append(str(Path(__file__).parents[1] / "tools"))
import evaluate
from evaluate_parts import over_groups


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


def test_an_interval_over_groups_is_that_of_their_mean():
    """Of a rate that pets share alike, by Student's t on the logit scale."""
    values, pets = np.array([0, 1, 1, 1, 1, 1, 0, 1.0]), np.repeat(["a", "b", "c", "d"], 2)
    found = over_groups(np.mean, values, pets)
    by_pet = values.reshape(4, 2).mean(1)
    again = over_groups(np.mean, by_pet, np.arange(4))
    assert (found.low, found.estimate, found.high) == (again.low, 0.75, again.high)
    assert 0 < found.low < 0.5 < 0.9 < found.high < 1
