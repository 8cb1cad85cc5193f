from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bittrader.execution.base import ExecutorError
from bittrader.execution.code_store import digest_of, keep
from bittrader.execution.synced import read_synced, write_synced
from bittrader.execution.work import Code

FILES = {"mine.py": b"x = 1\n", "helpers/averages.py": b"y = 2\n"}


def code(files=FILES, digest=None):
    return Code("mine.py:Mine", files, digest or digest_of(files))


def locate(sent, store, synced):
    """What finds the code here."""
    return keep(sent, store, synced).used(str)


def synced_copy(folder, files=FILES):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text)
    return folder


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
    deep = synced_copy(tmp_path / "synced" / "team" / "strategies", {**FILES, "levels.csv": b"1,2\n"})
    assert locate(code(), tmp_path / "store", tmp_path / "synced") == f"{deep / 'mine.py'}:Mine"


@pytest.mark.parametrize("changed", FILES)
def test_a_synced_folder_of_which_one_file_is_older_is_not_used(tmp_path, changed):
    synced = synced_copy(tmp_path / "synced", {**FILES, changed: b"x = 0\n"})
    ref = locate(code(), tmp_path / "store", synced)
    assert Path(ref).is_relative_to(tmp_path / "store")
    assert contents(ref) == FILES


def test_a_synced_folder_that_is_gone_or_no_folder_is_not_used(tmp_path):
    (tmp_path / "file").touch()
    for synced in (tmp_path / "none", tmp_path / "file"):
        assert contents(locate(code(), tmp_path / "store", synced)) == FILES


def test_a_synced_folder_that_changed_since_is_not_used_any_more(tmp_path):
    synced = synced_copy(tmp_path / "synced")
    kept = keep(code(), tmp_path / "store", synced)
    assert kept.used(str) == f"{synced / 'mine.py'}:Mine"
    (synced / "mine.py").write_bytes(b"x = 9\n")
    assert contents(kept.used(str)) == FILES
    (synced / "mine.py").write_bytes(FILES["mine.py"])
    assert kept.used(str) == f"{synced / 'mine.py'}:Mine"


def test_what_was_made_of_files_that_changed_meanwhile_does_not_count(tmp_path):
    synced, seen = synced_copy(tmp_path / "synced"), []

    def make(ref):
        seen.append(ref)
        if len(seen) == 1:
            (synced / "helpers" / "averages.py").write_bytes(b"y = 7\n")
        return ref

    assert contents(keep(code(), tmp_path / "store", synced).used(make)) == FILES
    assert len(seen) == 2


def test_half_a_file_that_is_being_written_is_no_failure_of_the_study(tmp_path):
    synced = synced_copy(tmp_path / "synced")

    def make(ref):
        if Path(ref).is_relative_to(synced):
            (synced / "mine.py").write_bytes(b"x =")
            raise SyntaxError
        return ref

    assert contents(keep(code(), tmp_path / "store", synced).used(make)) == FILES


def test_a_failure_of_the_studys_own_code_is_one(tmp_path):
    def fails(_ref):
        raise ZeroDivisionError

    kept = keep(code(), tmp_path / "store", synced_copy(tmp_path / "synced"))
    with pytest.raises(ZeroDivisionError):
        kept.used(fails)


def test_node_workers_read_where_the_owners_copy_is(tmp_path):
    path = tmp_path / "code.json"
    assert read_synced(None) is read_synced(path) is None
    write_synced(path, tmp_path / "ñandú")
    assert read_synced(path) == tmp_path / "ñandú"
    write_synced(path, None)
    assert read_synced(path) is None
    path.write_text("{")
    assert read_synced(path) is None


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
