from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bittrader.execution.base import ExecutorError
from bittrader.execution.code_store import digest_of, locate
from bittrader.execution.work import Code

FILES = {"mine.py": b"x = 1\n", "helpers/averages.py": b"y = 2\n"}


def code(files=FILES, digest=None):
    return Code("mine.py:Mine", files, digest or digest_of(files))


def contents(ref):
    top = Path(ref.rpartition(":")[0]).parent
    return {file.relative_to(top).as_posix(): file.read_bytes() for file in top.rglob("*.py")}


def test_code_that_was_sent_is_laid_as_it_was(tmp_path):
    ref = locate(code(), tmp_path / "store", None)
    assert ref.endswith("mine.py:Mine")
    assert contents(ref) == FILES


def test_the_same_code_is_laid_once(tmp_path):
    assert locate(code(), tmp_path, None) == locate(code(), tmp_path, None)
    assert len(list(tmp_path.iterdir())) == 1


def test_code_that_was_changed_where_it_was_laid_is_laid_again(tmp_path):
    ref = locate(code(), tmp_path, None)
    Path(ref.rpartition(":")[0]).write_bytes(b"x = 3\n")
    assert contents(locate(code(), tmp_path, None)) == FILES


def test_a_synced_folder_that_holds_the_same_code_is_used_where_it_lies(tmp_path):
    deep = tmp_path / "synced" / "team" / "strategies"
    for name, text in {**FILES, "levels.csv": b"1,2\n"}.items():
        (deep / name).parent.mkdir(parents=True, exist_ok=True)
        (deep / name).write_bytes(text)
    assert locate(code(), tmp_path / "store", tmp_path / "synced") == f"{deep / 'mine.py'}:Mine"


def test_a_synced_folder_with_other_code_is_not_used(tmp_path):
    (tmp_path / "synced" / "helpers").mkdir(parents=True)
    for name, text in FILES.items():
        (tmp_path / "synced" / name).write_bytes(text + b"# newer\n")
    ref = locate(code(), tmp_path / "store", tmp_path / "synced")
    assert contents(ref) == FILES


def test_damaged_code_is_refused(tmp_path):
    with pytest.raises(ExecutorError, match="damaged"):
        locate(code(digest="0" * 32), tmp_path, None)


@pytest.mark.parametrize("name", ["../evil.py", "/etc/evil.py", "a/../../evil.py", "C:evil.py", "..\\evil.py"])
def test_code_never_leaves_its_folder(tmp_path, name):
    with pytest.raises(ExecutorError, match="outside its folder"):
        locate(code({"mine.py": b"", name: b""}), tmp_path / "store", None)
    assert not list(tmp_path.rglob("evil.py"))


def test_many_that_lay_the_same_code_at_once_agree(tmp_path):
    found, threads = [], []
    for _ in range(8):
        threads.append(threading.Thread(target=lambda: found.append(locate(code(), tmp_path, None))))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 8
    assert contents(found[0]) == FILES
