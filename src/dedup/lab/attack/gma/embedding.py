"""Where a node stands in a graph of similar records: how similar it is to everybody, and its coordinates in the graph.

Both are computed from the matrix of similarities alone, so records of any encoding can be laid beside clear ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

QUANTILES = 64
NEGLIGIBLE = 1e-9
SPARE_DIMENSIONS = 32
ITERATIONS = 12


def profiles(similarity: Matrix) -> Matrix:
    """Return float32[n, QUANTILES]: quantiles of each node's similarities to all others, densest at the closest ones.

    What Vidanage, Christen, Ranbaduge and Schnell ("A Graph Matching Attack on Privacy-Preserving Record Linkage",
    CIKM 2020) take as a node's features, for graphs whose edges all have weights. Every column is standardised.
    """
    n = len(similarity)
    others = similarity.copy()
    np.fill_diagonal(others, -np.inf)
    others.sort(axis=1)
    places = 1 + (1 - 0.9 * np.linspace(0, 1, QUANTILES) ** 3) * (n - 2)
    return standardised(others[:, places.astype(np.int64)])


def profile_costs(known: Matrix, encoded: Matrix, dimensions: int) -> Matrix:
    """Return float32[known, encoded]: how badly every two nodes fit by their profiles, one on average.

    Neighbouring quantiles say the same, so only the profiles' first principal components are compared.
    """
    both = known.T @ known / len(known) + encoded.T @ encoded / len(encoded)
    axes = np.linalg.eigh(both)[1][:, ::-1][:, :dimensions]
    cost = squared_distances(scaled(known @ axes), scaled(encoded @ axes))
    return cost / np.float32(2)


def coordinates(similarity: Matrix, dimensions: int) -> Matrix:
    """Return float32[n, dimensions]: vectors whose inner products come closest to the centred similarities.

    The matrix has no diagonal (noughts); a node counts as being as similar to itself as the two most similar nodes.
    The spectral embedding of a weighted graph (classical scaling, Torgerson 1952): unique but for a rotation, the most
    important dimension first. Two samples of one population have nearly the same, whether they share anybody or not.
    """
    n = len(similarity)
    centred = similarity.astype(np.float32)
    np.fill_diagonal(centred, similarity.max())
    mean = centred.mean(axis=0)
    centred -= mean
    centred -= mean[:, None]
    centred += mean.mean()
    values, vectors = largest_eigenpairs(centred, min(dimensions, n - 1))
    placed: Matrix = vectors * np.sqrt(np.maximum(values, 0))
    return placed


def largest_eigenpairs(matrix: Matrix, count: int) -> tuple[NDArray[np.float32], Matrix]:
    """Return about the `count` largest eigenvalues of a symmetric matrix, descending, and their vectors [n, count].

    Subspace iteration from a fixed start with a few dimensions to spare (Halko, Martinsson and Tropp 2011): unlike
    ARPACK it also ends on the graph of a handful of edges that our encodings give.
    """
    n = len(matrix)
    basis = np.random.default_rng(0).standard_normal((n, min(n, count + SPARE_DIMENSIONS)), np.float32)
    for _ in range(ITERATIONS):
        basis, _ = np.linalg.qr(matrix @ basis)
    values, turned = np.linalg.eigh(basis.T @ (matrix @ basis))
    top = np.argsort(values)[::-1][:count]
    vectors: Matrix = basis @ turned[:, top]
    return values[top], vectors


def scaled(points: Matrix) -> Matrix:
    """Return the points in the unit in which their mean squared length is one; points that are all nought stay so."""
    length = float(np.sqrt((points**2).sum(axis=1).mean()))
    return points / np.float32(length if length > NEGLIGIBLE else np.inf)


def standardised(features: Matrix) -> Matrix:
    """Return the columns with mean 0 and deviation 1; a column without any difference becomes 0."""
    spread = features.std(axis=0)
    centred: Matrix = features - features.mean(axis=0)
    return np.asarray(centred / np.where(spread > NEGLIGIBLE, spread, np.inf), np.float32)


def squared_distances(one: Matrix, other: Matrix) -> Matrix:
    """Return float32[rows of one, rows of other]: squared Euclidean distances."""
    distances: Matrix = one @ other.T
    distances *= -2
    distances += (one**2).sum(axis=1)[:, None]
    distances += (other**2).sum(axis=1)
    return distances
