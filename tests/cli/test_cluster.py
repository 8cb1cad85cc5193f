"""`bittrader cluster status`: nodes that have said little, or what this version does not understand."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bittrader.cli.cluster import _frames, _page
from bittrader.errors import ClusterError

NODE = {"node": "78c9ca3a1e11f1b0", "name": "air", "alive": False, "age_seconds": 0.1, "address": "10.0.0.2"}
HEAD = {"node": "e989b65a623fef88", "name": "studio", "facts": {}}


STATE = {"phase": "up", "cores": 4, "cores_allowed": 1, "reason": "you are there", "charge": None, "on_battery": None}


def shown(frame: object) -> str:
    said = io.StringIO()
    Console(file=said, width=200).print(frame)
    return said.getvalue()


def page(studies: tuple[object, ...] = (), **node: object) -> str:
    return shown(_page({"head": HEAD, "nodes": [{**NODE, **node}], "studies": studies}))


def test_a_node_that_has_only_just_joined_is_shown() -> None:
    assert "has said nothing since the head began" in page(state={}, refused=None)


def test_a_node_of_another_version_is_shown_with_what_differs() -> None:
    assert "runs Bittrader 9" in page(state={"said": "otherwise"}, refused="it runs Bittrader 9")


def test_a_node_that_was_stopped_is_not_one_that_has_gone_silent() -> None:
    facts = {**STATE, "phase": "stopping", "address": "10.0.0.2", "versions": {}, "stopped": True}
    assert "stopped 5 min ago" in page(alive=False, refused=None, age_seconds=300.0, state=facts)
    assert "nothing heard for 5 min" in page(
        alive=False, refused=None, age_seconds=300.0, state={**facts, "stopped": False}
    )


def test_evaluations_that_stand_still_are_suspended_and_not_busy() -> None:
    here = {"name": "air", "busy": 1, "suspended": 3, "rows_per_second": 2.0, "refused": None}
    study = {"study": "mine", "began": 0.0, "far": None, "nodes": {NODE["node"]: here}}
    said = page((study,), alive=True, refused=None, state={**STATE, "address": "10.0.0.2", "versions": {}})
    (line,) = [line for line in said.splitlines() if line.startswith("air")]
    assert line.split()[1] == "1", "busy"
    assert "you are there; 3 evaluations suspended; mains" in line


def test_who_watches_is_told_when_nobody_can_be_asked_any_more_and_sees_what_was_there() -> None:
    known = {"head": HEAD, "nodes": [{**NODE, "state": {}, "refused": None}], "studies": ()}
    there = iter([True, False, True])

    def look() -> dict[str, object]:
        if not next(there):
            raise ClusterError("the head has gone")
        return known

    frames = _frames(look)
    first, without, again = (shown(next(frames)) for _ in range(3))
    assert first == again
    assert without.startswith("the head has gone. Below is how it was 0 s ago.")
    assert without.endswith(first)


def test_who_has_never_been_told_anything_gets_the_reason() -> None:
    def look() -> dict[str, object]:
        raise ClusterError("the head has only just begun")

    with pytest.raises(ClusterError, match="only just begun"):
        next(_frames(look))
