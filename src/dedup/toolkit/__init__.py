"""Encoded records inside the recordlinkage toolkit: its index, comparisons and classifier, made of the engine's parts.

See docs/toolkit.md for the whole of an example. Source: J. de Bruin, "Python Record Linkage Toolkit" 0.16.
"""

from dedup.toolkit.classifier import FellegiSunter
from dedup.toolkit.comparisons import ComparisonLevels, SketchSimilarity
from dedup.toolkit.frame import SketchArray, SketchDtype, ToolkitError, encoded_frame
from dedup.toolkit.index import BlockTokens

__all__ = [
    "BlockTokens",
    "ComparisonLevels",
    "FellegiSunter",
    "SketchArray",
    "SketchDtype",
    "SketchSimilarity",
    "ToolkitError",
    "encoded_frame",
]
