"""A daemon may have as many files open as its system lets it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bittrader.host import open_files

resource = pytest.importorskip("resource", reason="this system has no such limit")

RAISED = """
import resource, sys
from bittrader.host.open_files import raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
raise_limit()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def raised(soft: int, hard: int) -> tuple[int, ...]:
    words = [sys.executable, "-c", RAISED, str(soft), str(hard)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return tuple(int(word) for word in said.split())


def test_as_many_as_are_allowed_and_wanted() -> None:
    assert raised(256, 5000) == (5000, 5000)


def test_what_has_no_limit_of_its_own_gets_what_is_wanted_and_no_fewer_than_it_had() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = open_files.WANTED if most == resource.RLIM_INFINITY else min(open_files.WANTED, most)
    assert raised(1024, most) == (wanted, most)
    assert raised(wanted, most) == (wanted, most)


def test_what_is_started_may_as_well() -> None:
    code = "import subprocess, resource; from bittrader.host.open_files import raise_limit; raise_limit()\n"
    code = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (300, 4000))\n{code}"
    code += "print(subprocess.run(['sh', '-c', 'ulimit -n'], capture_output=True, text=True).stdout)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(said) == 4000
