"""How this process holds memory."""

from __future__ import annotations

import ctypes
import platform
from functools import cache

# The numbers of glibc's <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_KEPT = 64 * 2**20
_KEPT_AT_MOST = 256 * 2**20


@cache
def keep_freed_arrays() -> None:
    """Has glibc keep freed arrays for the next ones; other C libraries are left as they are.

    By default it gives arrays of our size back to the system at once. Each new one then costs a page fault per 4 kB,
    which is more than most numpy operations cost.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
        library.mallopt(_TRIM_THRESHOLD, _KEPT_AT_MOST)
