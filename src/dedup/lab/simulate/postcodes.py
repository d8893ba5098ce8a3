"""How many women live where: the postcode ranges of the larger towns, and a thin countryside between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.lab.simulate.columns import Numbers

# Postcode range of a town and its inhabitants in thousands, rounded.
TOWNS = (
    (1011, 1109, 930),  # Amsterdam
    (1181, 1189, 94),  # Amstelveen
    (1211, 1223, 93),  # Hilversum
    (1311, 1363, 225),  # Almere
    (1441, 1448, 95),  # Purmerend
    (1501, 1567, 160),  # Zaanstad
    (1621, 1628, 75),  # Hoorn
    (1701, 1706, 60),  # Heerhugowaard
    (1781, 1788, 56),  # Den Helder
    (1811, 1827, 112),  # Alkmaar
    (1941, 1949, 42),  # Beverwijk
    (2011, 2037, 167),  # Haarlem
    (2131, 2158, 162),  # Haarlemmermeer
    (2311, 2334, 127),  # Leiden
    (2401, 2409, 80),  # Alphen aan den Rijn
    (2491, 2599, 562),  # Den Haag
    (2611, 2629, 107),  # Delft
    (2671, 2694, 115),  # Westland
    (2711, 2729, 128),  # Zoetermeer
    (2801, 2809, 76),  # Gouda
    (2901, 2909, 68),  # Capelle aan den IJssel
    (3011, 3089, 670),  # Rotterdam
    (3111, 3125, 82),  # Schiedam
    (3131, 3138, 76),  # Vlaardingen
    (3201, 3209, 75),  # Spijkenisse
    (3311, 3329, 122),  # Dordrecht
    (3431, 3439, 66),  # Nieuwegein
    (3511, 3585, 374),  # Utrecht
    (3701, 3709, 66),  # Zeist
    (3811, 3829, 161),  # Amersfoort
    (3901, 3907, 69),  # Veenendaal
    (4001, 4007, 43),  # Tiel
    (4331, 4341, 50),  # Middelburg
    (4461, 4465, 40),  # Goes
    (4611, 4625, 70),  # Bergen op Zoom
    (4701, 4708, 78),  # Roosendaal
    (4811, 4839, 188),  # Breda
    (4901, 4909, 58),  # Oosterhout
    (5011, 5049, 229),  # Tilburg
    (5211, 5249, 160),  # 's-Hertogenbosch
    (5341, 5349, 95),  # Oss
    (5401, 5409, 42),  # Uden
    (5611, 5658, 246),  # Eindhoven
    (5701, 5709, 95),  # Helmond
    (5911, 5928, 103),  # Venlo
    (6001, 6006, 51),  # Weert
    (6041, 6049, 60),  # Roermond
    (6131, 6137, 92),  # Sittard
    (6211, 6229, 122),  # Maastricht
    (6411, 6422, 87),  # Heerlen
    (6511, 6546, 183),  # Nijmegen
    (6711, 6718, 122),  # Ede
    (6811, 6846, 167),  # Arnhem
    (7001, 7009, 59),  # Doetinchem
    (7311, 7339, 168),  # Apeldoorn
    (7411, 7429, 103),  # Deventer
    (7511, 7548, 161),  # Enschede
    (7551, 7559, 82),  # Hengelo
    (7601, 7609, 74),  # Almelo
    (7811, 7828, 108),  # Emmen
    (7901, 7909, 56),  # Hoogeveen
    (8011, 8045, 133),  # Zwolle
    (8211, 8245, 84),  # Lelystad
    (8441, 8448, 51),  # Heerenveen
    (8601, 8608, 38),  # Sneek
    (8911, 8941, 127),  # Leeuwarden
    (9201, 9207, 57),  # Drachten
    (9401, 9408, 69),  # Assen
    (9711, 9747, 238),  # Groningen
)
INHABITANTS_ELSEWHERE = 8_600  # thousands, outside the towns above
INHABITED_ELSEWHERE = 0.33  # share of the four-digit numbers between the towns that are a village or a small town
FIXED_SEED = 4_000  # the map stays the same whatever the seed of a simulation


def postcode_weights(pc4: Numbers) -> NDArray[np.float64]:
    """Return the thousands of inhabitants of each four-digit postcode, 0 where nobody lives; float64[n].

    Within a town some districts are several times as large as others, and villages differ more.
    """
    rng = np.random.Generator(np.random.PCG64(FIXED_SEED))
    size = np.zeros(10_000)
    in_town = np.zeros(10_000, dtype=bool)
    for first, last, inhabitants in TOWNS:
        district = rng.lognormal(0.0, 0.7, last - first + 1)
        size[first : last + 1] = inhabitants * district / district.sum()
        in_town[first : last + 1] = True
    inhabited = (rng.random(10_000) < INHABITED_ELSEWHERE) & ~in_town
    inhabited[:1_000] = False
    village = np.where(inhabited, rng.lognormal(0.0, 1.1, 10_000), 0.0)
    size += INHABITANTS_ELSEWHERE * village / village.sum()
    return size[pc4]
