"""`bittrader cluster status`: nodes that have said little, or what this version does not understand."""

from __future__ import annotations

import io

from rich.console import Console

from bittrader.cli.cluster import _page

NODE = {"node": "78c9ca3a1e11f1b0", "name": "air", "alive": False, "age_seconds": 0.1, "address": "10.0.0.2"}
HEAD = {"node": "e989b65a623fef88", "name": "studio", "facts": {}}


def page(**node: object) -> str:
    said = io.StringIO()
    known = {"head": HEAD, "nodes": [{**NODE, **node}], "studies": []}
    Console(file=said, width=200).print(_page(known))
    return said.getvalue()


def test_a_node_that_has_only_just_joined_is_shown() -> None:
    assert "has said nothing since the head began" in page(state={}, refused=None)


def test_a_node_of_another_version_is_shown_with_what_differs() -> None:
    assert "runs Bittrader 9" in page(state={"said": "otherwise"}, refused="it runs Bittrader 9")
