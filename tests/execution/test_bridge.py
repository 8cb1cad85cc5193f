"""The bridge's keeper, where there is no Ray to be reached: nothing that lies in its way ends a search."""

from __future__ import annotations

import json
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


def test_a_bridge_that_cannot_start_is_said_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ray.json").write_text(json.dumps({"env": {}}))
    (tmp_path / "logs").write_text("a file where a folder must be")
    monkeypatch.setattr(bridge, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(bridge, "_FIRST_PAUSE", 0.0)
    link = Bridge(tmp_path)
    try:
        (said,) = link.receive(0.0)
        assert isinstance(said, Disconnected)
        assert "the bridge to Ray cannot start" in said.why
        (tmp_path / "logs").unlink()
        link.receive(0.0)
        assert link.pid is not None
    finally:
        link.close()
