"""Attention rollout: how much of each patch could have reached the CLS token, layer by layer."""

from __future__ import annotations

import numpy as np


def rollout(attention: np.ndarray, grid: int) -> np.ndarray:
    """Attention `(layers, heads, tokens, tokens)` → `(grid, grid)` float32 that sums to 1.

    Heads are averaged; each layer is 0.5·A + 0.5·I, for the residual connection; their product
    says where CLS, token 0, draws from. The patches are the last grid² tokens. It describes what
    is passed on, not why. Raises `ValueError` for other shapes.
    Source: Abnar & Zuidema (2020), arXiv 2005.00928, section 3.
    """
    attention = np.asarray(attention, dtype=np.float64)
    if attention.ndim != 4 or attention.shape[2] != attention.shape[3]:
        shape = "(layers, heads, tokens, tokens)"
        raise ValueError(f"attention has shape {attention.shape}: expected {shape}")
    tokens = attention.shape[-1]
    if grid < 1 or grid**2 >= tokens:
        wish = "expected CLS and grid² patches, so a smaller grid"
        raise ValueError(f"grid={grid} for {tokens} tokens: {wish}")
    reach = np.eye(tokens)[0]  # the row of CLS; from the last layer down, it alone is needed
    for layer in attention[::-1].mean(axis=1):
        reach = 0.5 * reach @ layer + 0.5 * reach
    patches = reach[-(grid**2) :].reshape(grid, grid)
    return (patches / patches.sum()).astype(np.float32)
