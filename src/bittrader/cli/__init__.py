"""The command line: one file a noun, imported only when its command runs."""

from __future__ import annotations
