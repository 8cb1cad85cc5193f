"""Where a strategy's class or a function came from, so that a study and other processes find it again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Code = TypeVar("Code", bound="Callable[..., Any]")


def portable(code: Code) -> Code | str:
    """What another process knows the class or function by: itself, or its file where we made its module."""
    home = getattr(code, "__module__", "")
    module = sys.modules.get(home)
    made_here = module is not None and module.__spec__ is None and home != "__main__"
    return reference(code) if made_here else code


def reference(code: Callable[..., Any]) -> str:
    """What finds the class or function again, as `file.py:name`; empty when no file but a running program holds it."""
    home = getattr(code, "__module__", "")
    if home == "__main__":
        return ""
    file = Path(getattr(sys.modules.get(home), "__file__", None) or "")
    name = getattr(code, "__qualname__", "")
    return f"{file.resolve()}:{name}" if file.suffix == ".py" and name.isidentifier() else ""
