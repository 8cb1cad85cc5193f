"""A program that prints for how many seconds nobody has touched an X11 display.

It is run as a process of its own, with nothing but the standard library, so that an X server that does not answer can
be given up. Without the library or the display it fails.
"""

from __future__ import annotations

import ctypes
import sys


class _Info(ctypes.Structure):
    """XScreenSaverInfo of <X11/extensions/scrnsaver.h>."""

    _fields_ = (
        ("window", ctypes.c_ulong),
        ("state", ctypes.c_int),
        ("kind", ctypes.c_int),
        ("since", ctypes.c_ulong),
        ("idle", ctypes.c_ulong),
        ("event_mask", ctypes.c_ulong),
    )


def idle_seconds(name: str) -> float:
    """The idle time of a display such as :0; OSError if it cannot be asked."""
    x11, saver = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXss.so.1")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
    x11.XDefaultRootWindow.restype = ctypes.c_ulong
    saver.XScreenSaverQueryInfo.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.POINTER(_Info)]
    display = x11.XOpenDisplay(name.encode())
    if not display:
        raise OSError(f"cannot open the display {name}")
    info = _Info()
    if not saver.XScreenSaverQueryInfo(display, x11.XDefaultRootWindow(display), ctypes.byref(info)):
        raise OSError(f"the display {name} does not tell")
    return float(info.idle) / 1000


def main() -> int:
    """Prints the idle time of the display that is named; the exit code."""
    try:
        sys.stdout.write(f"{idle_seconds(sys.argv[1])}\n")
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
