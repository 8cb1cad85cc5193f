#!/usr/bin/env python3
"""Sets up the project in its own folder and runs its everyday jobs: `python3 dev.py help`.

Needs nothing but Python's standard library. Any Python from 3.7 can start it: it finds one that fits the project, and
where there is none, or something else is missing, it says so in one line. With uv, that line is rarely needed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "bittrader-set-up"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")

OLDEST = (3, 11)
NEWEST = (3, 13)  # nobody has tried a newer one
NEWER = ("python3.13", "python3.12", "python3.11", "python3", "python")

RUNTIME_LOCK = ROOT / "requirements.lock"
NODE_LOCK = ROOT / "requirements-node.lock"  # what the installers put on a computer
DEV_LOCK = ROOT / "requirements-dev.lock"

# Where the locks must hold a ready-made package for everything: these systems (as uv calls them), these Pythons.
SYSTEMS = ("x86_64-pc-windows-msvc", "aarch64-apple-darwin", "x86_64-manylinux_2_28", "aarch64-manylinux_2_28")
PYTHONS = ("3.11", "3.12", "3.13")
OLDEST_MACOS = "14.0"

PYTHON_SOURCES = ("src", "tests", "bench", "installers", "Documentation", "dev.py")
CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache", ".hypothesis")
LEFTOVERS = (*CACHES, ".venv", "build", "dist", "reports", "bench/results")

DISK_FULL = "the disk is full: make room (2 GB is plenty) and try again."
NO_VENV = (
    "this Python cannot make environments. Install its venv (Debian, Ubuntu: sudo apt install python3-venv), or uv."
)

NO_NETWORK = "what is missing cannot be downloaded. Check the network (or the proxy) and try again."
NO_TRUST = "the package index shows a certificate that is not trusted here: set SSL_CERT_FILE to your network's."
WRONG_HASH = "a download is not what the lock promises. Try again; if it stays so, do not trust that package index."
NO_WHEEL = (
    f"there is no ready-made package for this system ({platform.system()} {platform.machine()}). The project runs on "
    "Windows (x86-64), macOS 14 or newer (Apple silicon) and Linux (x86-64, ARM64; glibc 2.28 or newer)."
)

# What pip and uv say when something is wrong with the world, and what to do about it.
CAUSES = (
    (("No space left on device", "os error 28", "not enough space"), DISK_FULL),
    (("do not match the hashes", "DO NOT MATCH", "Hash mismatch"), WRONG_HASH),
    (("UnknownIssuer", "CERTIFICATE_VERIFY_FAILED", "invalid peer certificate"), NO_TRUST),
    (("name resolution", "dns error", "Failed to establish a new connection", "Network is unreachable"), NO_NETWORK),
    (("Connection refused", "timed out", "error sending request", "getaddrinfo failed", "nodename nor"), NO_NETWORK),
    (("No matching distribution", "no usable wheels", "wheels with a matching", "a source distribution"), NO_WHEEL),
)


class Stop(Exception):  # noqa: N818 - it is the end of the program, told in one line
    """Why the job cannot go on, and what to do about it."""


def demo(words: list[str]) -> None:
    """Set up, then search 80 parameter sets over 297,000 synthetic candles."""
    set_up(RUNTIME_LOCK)
    run(BIN / "bittrader", "demo", *words)


def setup(_words: list[str]) -> None:
    """Set up, and nothing else."""
    set_up(DEV_LOCK)


def test(words: list[str]) -> None:
    """Set up, then run the tests."""
    set_up(DEV_LOCK)
    run(PYTHON, "-m", "pytest", "--numprocesses", "auto", *words)


def lab(words: list[str]) -> None:
    """Set up, then prove the cluster on several hosts made on this one (Linux, root; `lab --full` for all of it)."""
    set_up(DEV_LOCK)
    run(PYTHON, "tests/lab/ready.py")
    extent = "full" if "--full" in words else "quick"
    chosen = [word for word in words if word != "--full"]
    run(PYTHON, "-m", "pytest", "tests/lab", "-rs", *chosen, BITTRADER_LAB=extent)


def lint(words: list[str]) -> None:
    """Check style, formatting and that imports point one way (`lint --fix` mends what it can)."""
    set_up(DEV_LOCK)
    run(PYTHON, "-m", "ruff", "check", "--output-format", "concise", *words, *PYTHON_SOURCES)
    run(PYTHON, "-m", "ruff", "format", *([] if "--fix" in words else ["--check"]), *PYTHON_SOURCES)
    run(BIN / "lint-imports")


def types(words: list[str]) -> None:
    """Check the types."""
    set_up(DEV_LOCK)
    run(PYTHON, "-m", "mypy", *words)


def bench(words: list[str]) -> None:
    """Measure every bar of the project's speed (`bench --quick` for a glance)."""
    set_up(DEV_LOCK)
    run(PYTHON, "bench/run.py", *words)


def docs(_words: list[str]) -> None:
    """Write the reference of commands again, from what the commands say of themselves."""
    set_up(DEV_LOCK)
    program = [str(PYTHON), "Documentation/commands.py"]
    written = subprocess.run(program, cwd=ROOT, stdout=subprocess.PIPE, check=True, env=environment()).stdout
    (ROOT / "Documentation" / "COMMANDS.md").write_bytes(written.replace(b"\r\n", b"\n"))


def lock(words: list[str]) -> None:
    """Resolve the dependencies into the locks again (`lock --upgrade` takes the newest versions)."""
    compile_lock = [
        *(require_uv(), "pip", "compile", "pyproject.toml", "--quiet", "--universal", "--python-version", PYTHONS[0]),
        *("--generate-hashes", "--no-emit-index-url", "--only-binary", ":all:"),
        *("--custom-compile-command", "make lock", *words),
    ]
    extras = [f"--extra={extra}" for extra in ("download", "cluster", "notify")]
    same = ("--constraint", DEV_LOCK.name)
    run(*compile_lock, "--group", "build", "--group", "dev", *extras, "--output-file", DEV_LOCK)
    run(*compile_lock, "--group", "build", *same, "--output-file", RUNTIME_LOCK)
    run(*compile_lock, *extras, *same, "--output-file", NODE_LOCK)
    wheels([])


def wheels(_words: list[str]) -> None:
    """Check that the locks have ready-made packages for every supported system and Python."""
    compile_lock = [require_uv(), "pip", "compile", str(DEV_LOCK), "--quiet", "--no-deps", "--only-binary", ":all:"]
    variables = environment(MACOSX_DEPLOYMENT_TARGET=OLDEST_MACOS)
    for system in SYSTEMS:
        for version in PYTHONS:
            target = ["--python-platform", system, "--python-version", version, "--output-file", os.devnull]
            # What uv knows already is enough to say yes, and asking the package index again takes minutes.
            known = subprocess.run(
                [*compile_lock, *target, "--offline"], cwd=ROOT, env=variables, check=False, stderr=subprocess.DEVNULL
            )
            if known.returncode:
                run(*compile_lock, *target, MACOSX_DEPLOYMENT_TARGET=OLDEST_MACOS)
    print(f"Every locked package is ready-made for {', '.join(SYSTEMS)} on Python {', '.join(PYTHONS)}.")


def installers(words: list[str]) -> None:
    """Build the installers into dist (`installers --offline` puts every package inside)."""
    set_up(RUNTIME_LOCK)
    run(PYTHON, "-m", "installers.build", *words)


def clean(_words: list[str]) -> None:
    """Remove the environment and everything that the tools left."""
    leftovers = [ROOT / name for name in LEFTOVERS]
    for top in ("src", "tests", "bench", "installers"):
        leftovers += (ROOT / top).rglob("__pycache__")
    for folder in leftovers:
        shutil.rmtree(folder, ignore_errors=True)


def help_(_words: list[str]) -> None:
    """Print this."""
    print("Usage: python3 dev.py JOB [ARGUMENTS], or make JOB ARGS='ARGUMENTS'\n")
    for name, job in JOBS.items():
        print(f"  {name:<10} {(job.__doc__ or '').splitlines()[0]}")


JOBS = {
    "setup": setup, "demo": demo, "test": test, "lab": lab, "lint": lint, "types": types, "bench": bench, "docs": docs,
    "lock": lock, "wheels": wheels, "installers": installers, "clean": clean, "help": help_,
}  # fmt: skip


def set_up(lock_file: Path) -> None:
    """Makes `.venv` hold what the lock names and the project itself; does nothing when it already does."""
    former = STAMP.with_name("bittrader-installed")  # by which the program knows what the installers made
    if former.exists():
        former.replace(STAMP)
    if works(PYTHON) and STAMP.exists() and STAMP.read_text() in (stamp_of(lock_file), stamp_of(DEV_LOCK)):
        return
    started = time.monotonic()
    uv = find_uv()
    if not usable(uv):
        make_environment(uv)
    print(f"Installing what {lock_file.name} names into .venv (a large download, once) ...", flush=True)
    install(uv, "--only-binary", ":all:", "--require-hashes", "--requirement", lock_file)
    install(uv, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    point_at_sources()
    STAMP.write_text(stamp_of(lock_file))
    print(f"Set up after {time.monotonic() - started:.0f} s.", flush=True)


def stamp_of(lock_file: Path) -> str:
    """What an environment was made for: its place (its scripts name it), the lock, and what the project declares."""
    contents = lock_file.read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return f"{ROOT}\n{hashlib.sha256(contents).hexdigest()}\n"


def usable(uv: str | None) -> bool:
    """Whether the environment that is there can be built on: it works, has pip where we need pip, and was not moved."""
    moved = STAMP.exists() and STAMP.read_text().splitlines()[0] != str(ROOT)
    return not moved and works(PYTHON, "pass" if uv else "import pip")


def make_environment(uv: str | None) -> None:
    """A new environment in `.venv`, in the place of what is there."""
    python = find_python()
    wanted = ".".join(map(str, OLDEST))
    if uv:
        attempt(uv, "venv", "--quiet", "--clear", "--python", python or wanted, VENV)
    elif python is None:
        needed = f"Python {wanted} to {PYTHONS[-1]} is needed; this is {platform.python_version()}"
        raise Stop(f"{needed}. Install one, or uv, which brings its own.")
    elif works(python, "import venv, ensurepip"):
        attempt(python, "-m", "venv", "--clear", VENV)
    else:
        raise Stop(NO_VENV)


def install(uv: str | None, *words: object) -> None:
    """Installs into the environment, with uv where there is one, else with pip."""
    if uv:
        # As pip does by itself: else the first run compiles every module that it imports, for seconds.
        attempt(uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", PYTHON, *words)
    else:
        attempt(PYTHON, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", *words)


def point_at_sources() -> None:
    """Has the environment find the sources by the way from it: under LC_ALL=C, Python 3.11 stops at an umlaut."""
    for path in VENV.rglob("site-packages/*bittrader.pth"):
        path.write_text(os.path.relpath(ROOT / "src", path.parent) + "\n")


def find_uv() -> str | None:
    """The path of uv, or None. (`uv run` says where it is in the variable UV.)"""
    return os.environ.get("UV") or shutil.which("uv")


def require_uv() -> str:
    """The path of uv; Stop when there is none."""
    uv = find_uv()
    if uv is None:
        raise Stop("this job needs uv: https://docs.astral.sh/uv")
    return uv


def find_python() -> str | None:
    """A Python that the locks are for: the running one, else one on the PATH, else None."""
    running = getattr(sys, "_base_executable", None) or sys.executable
    return next((python for python in (running, *map(shutil.which, NEWER)) if python and works(python)), None)


def works(python: object, code: str = "pass") -> bool:
    """Whether this Python runs, is one that the locks are for, and can do the code. (A shim may lead to nothing.)"""
    check = f"import sys; assert {OLDEST} <= sys.version_info[:2] <= {NEWEST}; {code}"
    try:
        done = subprocess.run([str(python), "-c", check], capture_output=True, check=False, env=environment())
    except OSError:
        return False
    return done.returncode == 0


def environment(**more: str) -> dict[str, str]:
    """This process's variables, less those that would let other code into the project's environment."""
    strange = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {**{name: value for name, value in os.environ.items() if name not in strange}, **more}


def run(*words: object, **variables: str) -> None:
    """Runs a program in the project's folder; ends with its exit code when that is not 0."""
    done = subprocess.run([str(word) for word in words], cwd=ROOT, check=False, env=environment(**variables))
    if done.returncode:
        sys.exit(done.returncode)


def attempt(*words: object) -> None:
    """Runs an installer quietly; Stop with the cause when it fails."""
    done = subprocess.run(
        [str(word) for word in words], cwd=ROOT, check=False, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode:
        said = done.stdout.strip()
        raise Stop(cause_in(said) or f"{Path(str(words[0])).name} failed with code {done.returncode}:\n{said}")


def cause_in(said: str) -> str | None:
    """Our line for what an installer said, or None when we do not know it."""
    return next((line for signs, line in CAUSES if any(sign in said for sign in signs)), None)


def main() -> None:
    """Runs the job that the first word names: 2 when it could not be set up, else the job's own exit code."""
    name, words = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("help", [])
    if name not in JOBS:
        sys.exit(f"dev.py: there is no job {name!r}. There are: {', '.join(JOBS)}.")
    try:
        JOBS[name](words)
    except Stop as stop:
        print(f"dev.py: {stop}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"dev.py: {DISK_FULL}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
