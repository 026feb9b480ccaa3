"""Attention rollout against the whole product of matrices, and on cases with a known answer."""

import numpy as np
import pytest
from PIL import Image

from vitsim.attention import rollout


def attention(layers: int, heads: int, tokens: int) -> np.ndarray:
    """Random attention: rows of positive numbers that sum to 1."""
    weights = np.random.default_rng(0).random((layers, heads, tokens, tokens)) + 0.01
    return weights / weights.sum(axis=-1, keepdims=True)


def test_rollout_is_the_cls_row_of_the_product_of_all_layers():
    weights = attention(4, 3, 10)
    product = np.eye(10)
    for layer in weights:  # Abnar & Zuidema: each layer is multiplied from the left
        product = (0.5 * layer.mean(axis=0) + 0.5 * np.eye(10)) @ product
    expected = (product[0, 1:] / product[0, 1:].sum()).reshape(3, 3)
    np.testing.assert_allclose(rollout(weights, 3), expected, rtol=1e-6)


def test_rollout_is_a_float32_map_of_the_patches_that_sums_to_one():
    found = rollout(attention(3, 2, 17).astype(np.float32), 4)
    assert found.shape == (4, 4) and found.dtype == np.float32
    assert found.sum() == pytest.approx(1, abs=1e-6) and (found > 0).all()


def test_where_all_look_alike_no_patch_stands_out():
    np.testing.assert_allclose(rollout(np.full((5, 2, 10, 10), 0.1), 3), np.full((3, 3), 1 / 9))


def test_a_patch_reaches_cls_through_another():
    weights = np.zeros((2, 1, 5, 5))
    weights[:] = np.eye(5)
    weights[0, 0, 1] = [0, 0, 0, 0, 1]  # first, patch 0 draws from patch 3
    weights[1, 0, 0] = [0, 1, 0, 0, 0]  # then CLS draws from patch 0
    np.testing.assert_allclose(rollout(weights, 2), [[0.5, 0], [0, 0.5]])


def test_the_order_of_the_layers_matters():
    weights = attention(3, 2, 10)
    assert not np.allclose(rollout(weights, 3), rollout(weights[::-1], 3), rtol=1e-3)


def test_tokens_between_cls_and_the_patches_are_left_out():
    weights = np.zeros((1, 1, 6, 6))
    weights[0, 0, 0] = [0, 0.6, 0.1, 0.1, 0.1, 0.1]  # token 1 is a register
    np.testing.assert_allclose(rollout(weights, 2), np.full((2, 2), 0.25))


@pytest.mark.parametrize("shape", [(2, 10, 10), (2, 3, 10, 9)])
def test_what_is_no_attention_is_refused_with_its_shape(shape):
    with pytest.raises(ValueError, match=r"expected \(layers, heads, tokens, tokens\)"):
        rollout(np.zeros(shape), 3)


@pytest.mark.parametrize("grid", [0, 4])
def test_a_grid_that_the_tokens_cannot_fill_is_refused(grid):
    with pytest.raises(ValueError, match=f"grid={grid} for 10 tokens"):
        rollout(attention(1, 1, 10), grid)


def test_rollout_takes_what_a_loaded_model_gives(small_encoder):
    photo = Image.fromarray(np.random.default_rng(1).integers(0, 256, (60, 90, 3), dtype=np.uint8))
    found = rollout(small_encoder.attention(photo), small_encoder.grid)
    assert found.shape == (14, 14) and found.sum() == pytest.approx(1, abs=1e-5)
