"""What goes beside the changes of the receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.wine import inside

from bittrader import paths
from bittrader.cluster.identity import folder_of, identity
from bittrader.install import removal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.wine import Wine


def test_a_folder_that_is_no_nodes_stays() -> None:
    folder_of("head").mkdir(parents=True)
    (folder_of("head") / "letters").mkdir()
    assert folder_of("head") not in removal.removal("head", studies=True).gone


def test_a_damaged_identity_keeps_nothing_from_going() -> None:
    folder_of("head").mkdir(parents=True)
    (folder_of("head") / "identity.json").write_text("{")
    assert removal.removal("head", studies=False).gone == (folder_of("head"),)


def test_a_home_that_holds_something_else_stays() -> None:
    identity(folder_of("head"), "head", "desk")
    (paths.home() / "letters").write_text("dear")
    assert removal.remove(removal.removal("head", studies=True)) == ()
    assert [path.name for path in paths.home().iterdir()] == ["letters"]


def test_a_folder_that_was_moved_to_another_disk_goes_there_and_so_does_its_link(tmp_path: Path) -> None:
    identity(folder_of("head"), "head", "desk")
    folder_of("head").rename(tmp_path / "elsewhere")
    folder_of("head").symlink_to(tmp_path / "elsewhere")
    assert removal.remove(removal.removal("head", studies=False)) == ()
    assert not folder_of("head").is_symlink()
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_to_the_home_takes_nothing_of_the_home_along(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "identity.json").write_text("{}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    paths.home().mkdir(parents=True, exist_ok=True)
    folder_of("head").symlink_to(tmp_path / "home")
    (said,) = removal.remove(removal.Removal((folder_of("head"),)))
    assert "in which more is than a node" in said
    assert (tmp_path / "home" / "identity.json").exists()


def test_what_cannot_be_removed_is_said() -> None:
    identity(folder_of("head"), "head", "desk")
    goes = removal.removal("head", studies=False)
    removal.remove(goes)
    (said,) = removal.remove(goes)
    assert said.startswith(f"{folder_of('head')}: ")


def test_the_last_step_on_windows_removes_a_folder_and_itself(wine: Wine, tmp_path: Path) -> None:
    folder, script = tmp_path / "a folder of Zoë", tmp_path / "last.cmd"
    (folder / "inside").mkdir(parents=True)
    (folder / "inside" / "file").write_text("x")
    script.write_text(removal.LAST_STEP, encoding="ascii", newline="")
    wine.run("cmd", "/c", inside(script), **{removal.FOLDER_VARIABLE: inside(folder)})
    assert not folder.exists()
    assert not script.exists()


def test_the_last_step_names_the_variable_that_it_is_given() -> None:
    assert f"%{removal.FOLDER_VARIABLE}%" in removal.LAST_STEP
    assert "\n" not in removal.LAST_STEP.replace("\r\n", "")
