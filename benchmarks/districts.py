"""The school districts that a deployment may have, by their pupils."""

from __future__ import annotations

import math
from statistics import NormalDist

# Log-normal: of the districts of the USA a quarter has less than 300 pupils, three in five have less than 1,500, and
# one in eight has 5,000 or more (NCES, as https://heartland.org/opinion/how-school-districts-size-up/ tells)
MEDIAN, SPREAD = 1_000, 1.6
NATION, LARGEST = 13_000, 900_000


def pupils(count: int) -> list[float]:
    """Return the pupils of so many districts, the smallest first: each stands for an equal share of all districts."""
    scale = NormalDist(math.log(MEDIAN), SPREAD)
    sizes = [min(LARGEST, math.exp(scale.inv_cdf((place + 0.5) / count))) for place in range(count)]
    return sizes if count < NATION else [*sizes[:-1], LARGEST]
