"""An even share of many things: what stands for all of them where only so many can be kept or shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def even_share(count: int, most: int) -> NDArray[np.int64]:
    """At most `most` of the indexes below `count`, rising and evenly apart, the first and the last among them."""
    return np.linspace(0, count - 1, min(most, count)).round().astype(np.int64)
