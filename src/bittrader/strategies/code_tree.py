"""Code as what it does: its syntax tree, without comments, docstrings and layout, which decide no number."""

from __future__ import annotations

import ast
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def tree_digest(tree: ast.Module) -> bytes:
    """16 bytes that differ when the code of a parsed file does. The same under every version of Python.

    Docstrings count where the code asks for one (`__doc__`).
    """
    asked = any(isinstance(node, ast.Attribute | ast.Name) and _name(node) == "__doc__" for node in ast.walk(tree))
    words = "\0".join(_words(tree, documented=asked))
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _name(node: ast.Attribute | ast.Name) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id


def _words(value: object, *, documented: bool) -> Iterator[str]:
    """The tree from the top down. What is empty is left out: newer Pythons have fields that older ones lack."""
    if isinstance(value, ast.AST):
        yield type(value).__name__
        for name in value._fields:
            part = getattr(value, name, None)
            if (
                name == "body"
                and isinstance(value, _DOCUMENTED)
                and not documented
                and ast.get_docstring(value, clean=False) is not None
            ):
                part = value.body[1:]
            if part is not None and part != []:
                yield name
                yield from _words(part, documented=documented)
        yield ")"
    elif isinstance(value, list):
        for part in value:
            yield from _words(part, documented=documented)
        yield "]"
    else:
        yield repr(value)
