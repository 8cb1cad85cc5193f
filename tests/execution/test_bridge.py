"""The bridge's keeper, where there is no Ray to be reached: nothing that lies in its way ends a search."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from bittrader.execution import bridge
from bittrader.execution.bridge import NO_NODE, Bridge
from bittrader.execution.link import Disconnected

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("text", ["", "junk", "[]", "7", "{}", '{"env": []}', "\0"])
def test_a_file_that_says_nothing_of_ray_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "ray.json").write_text(text)
    link = Bridge(tmp_path)
    try:
        assert link.receive(0.0) == [Disconnected(NO_NODE)]
        assert link.pid is None
    finally:
        link.close()


@pytest.mark.parametrize(
    ("waiting", "silent", "words"),
    [
        ("the head does not answer", 0, "the cluster: the head does not answer. Your work waits for it"),
        ("", 0, NO_NODE),
        ("", 60, "the cluster: this computer's node does not run. Start it, and your work goes on"),
    ],
)
def test_why_there_is_no_way_to_the_cluster_is_said_as_the_daemon_knows_it(
    tmp_path: Path, waiting: str, silent: float, words: str
) -> None:
    (tmp_path / "state.json").write_text(json.dumps({"waiting": waiting, "at": time.time() - silent}))
    link = Bridge(tmp_path)
    try:
        assert link.receive(0.0) == [Disconnected(words)]
    finally:
        link.close()


def test_a_process_that_ray_ends_without_a_word_is_told_in_plain_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ray.json").write_text(json.dumps({"env": {}}))
    monkeypatch.setattr(bridge, "_PROGRAM", "raise SystemExit(1)")
    link = Bridge(tmp_path)
    try:
        said = next(filter(None, iter(lambda: link.receive(1.0), None)))
        assert said == [Disconnected(f"the head: it cannot be reached, and your work waits for it ({log(tmp_path)})")]
    finally:
        link.close()


def log(folder: Path) -> Path:
    return folder / "logs" / "bridge.log"


def test_a_bridge_that_cannot_start_is_said_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ray.json").write_text(json.dumps({"env": {}}))
    (tmp_path / "logs").write_text("a file where a folder must be")
    monkeypatch.setattr(bridge, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(bridge, "_FIRST_PAUSE", 0.0)
    link = Bridge(tmp_path)
    try:
        (said,) = link.receive(0.0)
        assert isinstance(said, Disconnected)
        assert "the process that connects to it cannot start" in said.why
        (tmp_path / "logs").unlink()
        link.receive(0.0)
        assert link.pid is not None
    finally:
        link.close()
