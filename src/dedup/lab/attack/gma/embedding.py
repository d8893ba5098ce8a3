"""Where a node stands in a graph of similar records: how similar it is to everybody, and its coordinates in the graph.

Both are computed from the matrix of similarities alone, so records of any encoding can be laid beside clear ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

DIMENSIONS = (32, 48, 64)
QUANTILES = 128
NEGLIGIBLE = 1e-9
SPARE_DIMENSIONS = 32
ITERATIONS = 12


def profiles(similarity: Matrix) -> Matrix:
    """Return [n, QUANTILES]: quantiles of each node's similarities to all others, densest at the closest ones.

    What Vidanage, Christen, Ranbaduge and Schnell ("A Graph Matching Attack on Privacy-Preserving Record Linkage",
    CIKM 2020) take as a node's features, for graphs whose edges all have weights. Every column is standardised.
    """
    n = len(similarity)
    others = similarity[~np.eye(n, dtype=np.bool_)].reshape(n, n - 1)
    shares = 1 - 0.9 * np.linspace(0, 1, QUANTILES) ** 3
    found: Matrix = np.quantile(others, shares, axis=1).T
    spread = found.std(axis=0)
    standardised: Matrix = (found - found.mean(axis=0)) / np.where(spread > NEGLIGIBLE, spread, np.inf)
    return standardised


def coordinates(similarity: Matrix, dimensions: int) -> Matrix:
    """Return [n, dimensions] vectors of unit length whose inner products come closest to the centred similarities.

    The spectral embedding of a weighted graph (classical scaling, Torgerson 1952): unique but for a rotation.
    """
    n = len(similarity)
    filled = similarity.copy()
    np.fill_diagonal(filled, similarity.max(initial=1.0))
    mean = filled.mean(axis=0)
    centred = filled - mean[None, :] - mean[:, None] + mean.mean()
    values, vectors = largest_eigenpairs(centred, min(dimensions, n - 1))
    placed: Matrix = vectors * np.sqrt(np.maximum(values, 0))
    length = np.linalg.norm(placed, axis=1, keepdims=True)
    return placed / np.where(length > NEGLIGIBLE, length, np.inf)


def largest_eigenpairs(matrix: Matrix, count: int) -> tuple[NDArray[np.float64], Matrix]:
    """Return about the `count` largest eigenvalues of a symmetric matrix, descending, and their vectors [n, count].

    Subspace iteration from a fixed start with a few dimensions to spare (Halko, Martinsson and Tropp 2011): unlike
    ARPACK it also ends on the graph of a handful of edges that our encodings give.
    """
    n = len(matrix)
    basis = np.random.default_rng(0).standard_normal((n, min(n, count + SPARE_DIMENSIONS)))
    for _ in range(ITERATIONS):
        basis, _ = np.linalg.qr(matrix @ basis)
    values, turned = np.linalg.eigh(basis.T @ matrix @ basis)
    top = np.argsort(values)[::-1][:count]
    vectors: Matrix = basis @ turned[:, top]
    return values[top], vectors
