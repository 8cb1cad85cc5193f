"""The project's rules about itself."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer.main

import bittrader
from bittrader.cli import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "bittrader"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Each library and the files that may import it. Whatever is not here may be imported nowhere.
DOORS = {
    "numpy": ("*",),
    "numba": ("jit.py",),
    "llvmlite": ("jit.py",),  # comes with Numba, which is written on it
    "talib": ("strategies/ta.py",),
    "optuna": ("optimize/studies/export_optuna.py",),
    "rustuna": ("optimize/samplers/rust.py", "optimize/samplers/tpe.py", "optimize/samplers/nsga2.py"),
    "cmaes": ("optimize/samplers/cma_es.py",),
    "sklearn": ("optimize/samplers/gp.py",),
    "threadpoolctl": ("optimize/samplers/gp.py",),  # comes with scikit-learn
    "scipy": ("optimize/samplers/*",),
    "pyarrow": ("market/*", "optimize/studies/export*.py"),
    "ccxt": ("market/download.py",),
    "jinja2": ("report/*",),
    "markupsafe": ("report/*",),  # comes with Jinja and is half of it
    "plotly": ("report/*",),
    "typer": ("cli/*",),
    "rich": ("cli/*",),
    "ray": ("execution/ray.py", "cluster/membership.py"),
    "apprise": ("notify/urls.py",),
    "cryptography": ("cluster/certificates.py",),
    "psutil": ("host/*", "cluster/ray_process.py", "execution/child.py", "execution/ray.py"),
}


def named(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those below `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from runtime_nodes(child)


def imported(path: Path) -> set[str]:
    """The top-level names that a module imports, inside functions too."""
    names: set[str] = set()
    for node in runtime_nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("name", bittrader.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(bittrader, name) is not None


@pytest.mark.parametrize(
    "first", ["", "import bittrader.backtest.costs, bittrader.optimize", "from bittrader import Costs"]
)
def test_a_function_that_shares_its_packages_name_can_be_called_whatever_was_imported_before(first: str) -> None:
    program = f"""
{first}
from bittrader import backtest, optimize
for function in (backtest, optimize):
    try:
        function()
    except TypeError as error:
        print(error)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert [line.split(" missing")[0] for line in run.stdout.splitlines()] == ["backtest()", "optimize()"]


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'backtset'"):
        _ = bittrader.backtset


def test_importing_the_package_imports_no_library() -> None:
    program = "import json, sys, bittrader; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {module.split(".")[0] for module in json.loads(run.stdout)} & set(DOORS)


def test_a_daemon_that_rests_holds_no_library_but_the_one_that_knows_processes() -> None:
    program = """
import json, sys
import bittrader.cluster.daemon
from bittrader import host
host.current()
print(json.dumps(sorted(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {module.split(".")[0] for module in json.loads(run.stdout)} & set(DOORS) == {"psutil"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_in_the_table_can_be_found_and_completed_by_the_tree_alone(name: str) -> None:
    app = import_module(COMMANDS[name][0]).app
    options = {option for parameter in typer.main.get_command(app).params for option in parameter.opts}
    assert "--install-completion" not in options, "write typer.Typer(add_completion=False)"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_every_library_is_imported_through_its_door(path: Path) -> None:
    strangers = imported(path) - set(sys.stdlib_module_names) - {"bittrader"}
    for library in strangers:
        assert any(fnmatch(named(path), door) for door in DOORS.get(library, ())), f"{library} has no door here"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_module_but_the_hosts_door_asks_which_system_it_runs_on(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if named(path) == "host/__init__.py":
        text = text.replace("sys.platform", "")
    assert not [asked for asked in ("sys.platform", "platform.system(", "os.uname(", "os.name") if asked in text]


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_numpys_errors_are_not_silenced_for_the_whole_process(path: Path) -> None:
    assert "np.seterr" not in path.read_text(encoding="utf-8")


def test_imports_point_one_way() -> None:
    program = shutil.which("lint-imports", path=str(Path(sys.executable).parent)) or shutil.which("lint-imports")
    assert program, "import-linter is among the development dependencies"
    run = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-node.lock", "requirements-dev.lock"])
def test_a_lock_pins_every_package_with_hashes_and_names_no_index(lock: str) -> None:
    lines = [line for line in (ROOT / lock).read_text().splitlines() if line and not line.lstrip().startswith("#")]
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        assert line.startswith("    --hash=sha256:") or ("==" in line and after.startswith("    --hash="))
    assert "://" not in "\n".join(lines)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-node.lock"])
def test_the_locks_pin_the_same_versions(lock: str) -> None:
    pins = [
        {line.split()[0] for line in (ROOT / name).read_text().splitlines() if "==" in line}
        for name in (lock, "requirements-dev.lock")
    ]
    assert pins[0] < pins[1]


def test_every_test_file_mirrors_a_module_or_package() -> None:
    for path in ROOT.glob("tests/*/test_*.py"):
        folder = path.parent.name
        if folder not in ("project", "reference", "lab", "installers"):
            assert (PACKAGE / folder).is_dir(), f"{path.name} tests nothing of that name"
