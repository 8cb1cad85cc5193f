"""`bittrader cluster status`: nodes that have said little, or what this version does not understand."""

from __future__ import annotations

import io

from rich.console import Console

from bittrader.cli.cluster import _page

NODE = {"node": "78c9ca3a1e11f1b0", "name": "air", "alive": False, "age_seconds": 0.1, "address": "10.0.0.2"}
HEAD = {"node": "e989b65a623fef88", "name": "studio", "facts": {}}


STATE = {"phase": "up", "cores": 4, "cores_allowed": 1, "reason": "you are there", "charge": None, "on_battery": None}


def page(studies: tuple[object, ...] = (), **node: object) -> str:
    said = io.StringIO()
    known = {"head": HEAD, "nodes": [{**NODE, **node}], "studies": studies}
    Console(file=said, width=200).print(_page(known))
    return said.getvalue()


def test_a_node_that_has_only_just_joined_is_shown() -> None:
    assert "has said nothing since the head began" in page(state={}, refused=None)


def test_a_node_of_another_version_is_shown_with_what_differs() -> None:
    assert "runs Bittrader 9" in page(state={"said": "otherwise"}, refused="it runs Bittrader 9")


def test_evaluations_that_stand_still_are_suspended_and_not_busy() -> None:
    here = {"name": "air", "busy": 1, "suspended": 3, "rows_per_second": 2.0, "refused": None}
    study = {"study": "mine", "began": 0.0, "finished": 7, "nodes": {NODE["node"]: here}}
    said = page((study,), alive=True, refused=None, state={**STATE, "address": "10.0.0.2", "versions": {}})
    (line,) = [line for line in said.splitlines() if line.startswith("air")]
    assert line.split()[1] == "1", "busy"
    assert "you are there; 3 evaluations suspended; mains" in line
