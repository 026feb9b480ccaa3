"""Cosine similarity and the nearest neighbours by it: the few lines that lesson 03 derives."""

import sys
from collections.abc import Callable

import numpy as np

SAME = 1e-6  # scores nearer than this are a tie: float32 sums differ that much by their order


def normalise(vectors: np.ndarray) -> np.ndarray:
    """Divide each row of `(n, d)` by its Euclidean norm. Raises `ValueError` for a zero row."""
    vectors = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(norms) & (norms > 0)):
        raise ValueError("a zero or non-finite vector has no direction, so no cosine")
    return vectors / norms


def cosine_similarity(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosines between the rows of `a` `(n, d)` and of `b` `(m, d)`: `(n, m)` float32, −1 to 1.

    Raises `ValueError` for a zero row.
    """
    return np.clip(normalise(a) @ normalise(b).T, -1, 1)


def top_k(query: np.ndarray, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The `k` rows of `vectors` `(n, d)` most similar to `query` `(d,)`: (indices, scores).

    All rows must have norm 1, so that the inner product is the cosine. Best first; ties (within
    1e-6) by the lower index, so that the order is the same on every machine. Exact: FAISS's
    flat inner-product search, over the vectors where they lie, memory-mapped ones too.
    Gives min(k, n) results. Raises `ValueError` for a `k` below 1, and for a query that is not
    finite or not of d dimensions.
    """
    n, d = vectors.shape
    if k < 1:
        raise ValueError(f"k={k}: expected at least 1")
    k = int(k)  # FAISS takes no number of NumPy
    query = np.ascontiguousarray(query, dtype=np.float32).reshape(1, -1)
    if query.shape[1] != d:
        raise ValueError(f"a query of {query.shape[1]} dimensions against vectors of {d}")
    if not np.isfinite(query).all():
        raise ValueError("a non-finite query has no nearest neighbours")
    import faiss

    if sys.platform == "darwin" and "torch" in sys.modules:
        faiss.omp_set_num_threads(1)  # two OpenMP runtimes in one process crash there
    plain = np.asarray(vectors)  # not copied; a memmap would confuse torch_utils

    def search(ask: int) -> tuple[np.ndarray, np.ndarray]:
        scores, found = faiss.knn(query, plain, ask, metric=faiss.METRIC_INNER_PRODUCT)
        return scores[0], found[0]

    return best(search, n, k)


def best(search: Callable, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The first `k` of `n` rows by a search engine: (indices, scores), ties by the lower index.

    `search(m)` gives the scores and indices of the first m rows, best first, ties in any order.
    """
    k = min(k, n)
    ask = min(k + 1, n)
    while ask:
        scores, found = search(ask)
        ties = _ties(scores)
        if len(found) < ask or ask == n or ties[k - 1] != ties[-1]:
            break
        ask = min(2 * ask, n)  # a tie at the border: look further, so that the order decides
    else:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    order = np.lexsort((found, ties))[:k]
    return found[order], np.clip(scores[order], -1, 1)


def _ties(scores: np.ndarray) -> np.ndarray:
    """A number for each of `scores`, which fall: of a tie, all within `SAME` of its first, one."""
    rising, start = -scores.astype(np.float64), 0
    ties = np.empty(len(scores), np.int64)
    while start < len(scores):
        end = np.searchsorted(rising, rising[start] + SAME, "right")
        ties[start:end], start = start, end
    return ties
