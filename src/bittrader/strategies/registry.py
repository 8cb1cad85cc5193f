"""Finds strategies, the built-in ones by name, a user's by file and class; says which code decides their signals."""

from __future__ import annotations

import ast
import hashlib
import marshal
import pkgutil
import re
import sys
import sysconfig
import traceback
from contextlib import contextmanager
from importlib import import_module
from inspect import isabstract
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from bittrader.errors import InputError, StrategyError, cause_of, did_you_mean, is_interrupt
from bittrader.strategies import builtin
from bittrader.strategies.base import Strategy
from bittrader.strategies.code_tree import tree_digest
from bittrader.strategies.fresh_source import imported_as_it_is

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MODULE = "bittrader_strategy_"
_PACKAGES = tuple({Path(__file__).parents[1], *(Path(path).resolve() for path in sysconfig.get_paths().values())})
_FILE = re.compile(r"(?P<file>.+\.py)(?::(?P<name>\w+))?")
# A strategy of ours that is no built-in: it is all rules at once, which nobody would write, but a search runs.
MINED = "mined"
_MINED_HOME = ("bittrader.mining.strategy", "Mined")

# Modules that strategy files brought in from beside them: each file is to meet its own helpers, as they are now.
_helpers: set[str] = set()


def builtin_strategies() -> dict[str, str]:
    """The module of each built-in strategy, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(builtin.__path__))
    return {name.replace("_", "-"): f"{builtin.__name__}.{name}" for name in names}


def load_strategy(ref: str) -> type[Strategy]:
    """The strategy that `ref` names: `sma-cross`, `file.py:Class`, or `file.py` when it has exactly one.

    InputError when there is none of that name, StrategyError when its file cannot be used.
    """
    match = _FILE.fullmatch(ref)
    if match:
        return _pick(run_file(Path(match["file"])), ref, match["name"])
    if ref == MINED:
        module, name = _MINED_HOME
        return _pick(import_module(module), ref, name)
    known = builtin_strategies()
    if ref not in known:
        hint = did_you_mean(ref, known) or " `bittrader strategies list` shows what there is."
        raise InputError(f"there is no strategy {ref!r}.{hint} A strategy of yours is written file.py:Class.")
    return _pick(import_module(known[ref]), ref, None)


def code_digest(strategy: type[Strategy] | Callable[..., object]) -> str:
    """32 hexadecimal digits that differ when the code that decides a strategy's signals, or a function's answer, does.

    Comments and docstrings decide nothing. The code is its file, the modules beside it that it imports, and those of
    its base classes; what evaluates it has a digest of its own.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(getattr(strategy, "__qualname__", type(strategy).__qualname__).encode())
    for base in getattr(strategy, "__mro__", (strategy,)):
        if base not in (Strategy, object):
            for part in _sources(base):
                digest.update(part)
    return digest.hexdigest()


def code_files(code: Any) -> dict[Path, bytes]:
    """The contents of the user's own files that a strategy's class or a function comes from, by path."""
    found: dict[Path, bytes] = {}
    for base in getattr(code, "__mro__", (code,)):
        if not is_packaged(base):
            found |= _files(base)
    return found


def is_packaged(code: object) -> bool:
    """Whether a class or a function is one of ours, which every installation has."""
    return str(getattr(code, "__module__", "")).partition(".")[0] == "bittrader"


def run_file(path: Path) -> ModuleType:
    """The module of a user's file, run from its text (not from Python's cache, which can be a second behind)."""
    try:
        source = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot read the file {path}: {reason}.") from None
    path = path.resolve()
    module = ModuleType(f"{_MODULE}{path.stem}_{hashlib.blake2b(bytes(path) + source).hexdigest()[:12]}")
    module.__file__ = str(path)
    with _helpers_from(path.parent):
        sys.modules[module.__name__] = module  # dataclasses and pickle look a class's module up there
        try:
            exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102 - to run the user's file is the task
        except BaseException as error:
            del sys.modules[module.__name__]
            if is_interrupt(error):
                raise
            raise StrategyError(_complaint(path, error)) from error
    return module


@contextmanager
def _helpers_from(folder: Path) -> Iterator[None]:
    """Lets a file import what lies beside it."""
    for name in _helpers:
        sys.modules.pop(name, None)
    _helpers.clear()
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        with imported_as_it_is(lambda path: _is_users(path, folder)):
            yield
    finally:
        sys.path.remove(str(folder))
        fresh = {name: module for name, module in sys.modules.items() if name not in before}
        _helpers.update(name for name, module in fresh.items() if _lies_in(folder, module) and not _is_ours(name))


def _is_ours(name: str) -> bool:
    return name.startswith("bittrader")


def _lies_in(folder: Path, module: ModuleType) -> bool:
    file: str | None = getattr(module, "__file__", None)
    return file is not None and _is_users(Path(file).resolve(), folder)


def _is_users(file: Path, folder: Path) -> bool:
    """Whether a file belongs to a strategy in this folder: an environment's packages may lie below it, and are not."""
    return file.is_relative_to(folder) and not any(map(file.is_relative_to, _PACKAGES))


def place_in_strategy(error: BaseException) -> str | None:
    """One line with the place in a strategy's file that an error came from; None when it came from elsewhere."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith(_MODULE)]
    for folder in {Path(module.__file__ or "").parent for module in modules}:
        if (place := _place(folder, error)) is not None:
            return f"{place}: {_words(error)}"
    return None


def _complaint(path: Path, error: BaseException) -> str:
    """One line with the place in the user's own files where things went wrong."""
    if isinstance(error, SyntaxError):
        return f"{error.filename or path}, line {error.lineno}: {error.msg}."
    return f"{_place(path.parent, error) or path}: {_words(error)}"


def _place(folder: Path, error: BaseException) -> str | None:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_users(Path(frame.filename), folder)]
    return f"{own[-1].filename}, line {own[-1].lineno}" if own else None


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) if isinstance(error, StrategyError) else cause_of(error)


def _pick(module: ModuleType, ref: str, name: str | None) -> type[Strategy]:
    def is_strategy(value: object) -> bool:
        return (
            isinstance(value, type) and issubclass(value, Strategy) and not isabstract(value) and value is not Strategy
        )

    if name is not None:
        found = getattr(module, name, None)
        names = [key for key, value in vars(module).items() if is_strategy(value)]
        if not isinstance(found, type) or not is_strategy(found):
            hint = did_you_mean(name, names) or f" It has {', '.join(names) or 'none'}."
            if isinstance(found, FunctionType):
                hint = " That is a function: `bittrader optimize` searches it with --space FILE and without candles."
            raise StrategyError(f"{module.__file__} has no strategy {name!r}.{hint}")
        return found
    own = [value for value in vars(module).values() if is_strategy(value) and value.__module__ == module.__name__]
    if len(own) != 1:
        names = [value.__name__ for value in own]
        advice = f"say which: {ref}:{names[0]}" if names else "a strategy is a class that derives from Strategy"
        raise StrategyError(f"{ref} has {len(own)} strategies{': ' if names else ''}{', '.join(names)}; {advice}.")
    strategy: type[Strategy] = own[0]
    return strategy


def _sources(strategy: Any) -> list[bytes]:
    """Digests of the file of a class or a function, and of the modules beside it that it imports; without a file, of
    its compiled code.
    """
    if not (seen := _files(strategy)):
        values = (strategy, *getattr(strategy, "__dict__", {}).values())
        functions = [value for value in values if isinstance(value, FunctionType)]
        return [hashlib.blake2b(marshal.dumps(function.__code__)).digest() for function in functions]
    return [tree_digest(ast.parse(seen[path])) for path in sorted(seen)]


def _files(code: Any) -> dict[Path, bytes]:
    """The contents, by path, of the file of a class or a function, and of the modules beside it that it imports."""
    seen: dict[Path, bytes] = {}
    file = getattr(sys.modules.get(code.__module__), "__file__", None)
    if file is not None and Path(file).exists():
        path = Path(file).resolve()
        packages = 0 if _is_ours(code.__module__) else code.__module__.count(".")
        _collect(path, path.parents[packages], seen)
    return seen


def _collect(path: Path, root: Path, seen: dict[Path, bytes]) -> None:
    """Reads a file and, from there, every module below `root` that it may import."""
    if path in seen:
        return
    seen[path] = path.read_bytes()
    for node in ast.walk(ast.parse(seen[path])):
        for level, name in _imported(node):
            folder = path.parents[level - 1] if level else root
            parts = name.split(".")
            for base in (folder.joinpath(*parts[: count + 1]) for count in range(len(parts))):
                for candidate in (base.with_suffix(".py"), base / "__init__.py"):
                    if candidate.is_file():
                        _collect(candidate, root, seen)


def _imported(node: ast.AST) -> list[tuple[int, str]]:
    """The modules that a statement may import, those that `from package import name` may mean included, each after the
    number of its leading dots.
    """
    if isinstance(node, ast.Import):
        return [(0, alias.name) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        stem = f"{node.module}." if node.module else ""
        return [(node.level, f"{stem}{alias.name}") for alias in node.names if alias.name != "*"] or [
            (node.level, node.module or "")
        ]
    return []
