"""What the guides quote is what the program says: every quoted line occurs in the source."""

from __future__ import annotations

import ast
import errno
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.cluster.healthy import FACTS, met

from bittrader.cluster.codesync import find
from bittrader.cluster.facts import MISSING, Facts, differences
from bittrader.cluster.health import findings
from bittrader.cluster.invite import Invite, decode, encode
from bittrader.cluster.network import failure_in_words
from bittrader.errors import ClusterError
from bittrader.execution.node_record import NodeRecord
from bittrader.execution.waiting import waits_for

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "Documentation" / "TROUBLESHOOTING_GUIDE.md"
GUIDES = (GUIDE, GUIDE.with_name("GUIA_COMPLETA_CLUSTER_DISTRIBUIDO.md"))
QUOTED = {guide.name: re.findall(r"^> (.+)$", guide.read_text(encoding="utf-8"), re.MULTILINE) for guide in GUIDES}
QUOTES = list(dict.fromkeys(quote for quotes in QUOTED.values() for quote in quotes))
# What the bar puts before its words.
_BAR = "Waiting for "


def texts(folder: Path) -> str:
    """All texts of a package, an f-string's with `…` for what is put in, one below the other."""
    return "\n".join(
        text for path in folder.rglob("*.py") for text in _texts(ast.parse(path.read_text(encoding="utf-8")))
    )


def _texts(node: ast.AST) -> list[str]:
    if isinstance(node, ast.JoinedStr):
        inside = [text for part in node.values if isinstance(part, ast.FormattedValue) for text in _texts(part.value)]
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values), *inside]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    return [text for child in ast.iter_child_nodes(node) for text in _texts(child)]


def waiting(**facts: object) -> str:
    node = NodeRecord("1" * 16, "air")
    vars(node).update(facts)
    return f"Waiting for {waits_for('', [node, node] if facts else [])}"


def no_way(address: str) -> str:
    return failure_in_words(OSError(errno.ENETUNREACH, "no way"), address, 6380)


def refusal(code: str) -> str:
    with pytest.raises(ClusterError) as found:
        decode(code)
    return str(found.value)


def produced() -> list[str]:
    """What the program says where it puts its words together from several texts."""
    lines = [no_way("100.64.0.1"), no_way("192.168.1.2")]
    code = encode(Invite(("192.0.2.1",), 6380, bytes(16), bytes(10)))
    lines += [refusal(""), refusal(code[:-3]), refusal("7" + code[1:]), refusal(code.replace("0", "1"))]
    lines += [str(one) for ray in ("2.59.0", MISSING) for one in differences(Facts("3.11.8", ray, "0.0.9"), FACTS)]
    lines += [str(one) for one in differences(Facts("3.11.8", "2.59.0", "0.0.9", by_installer=True), FACTS)]
    lines += [one.words for seconds in (-60, 60) for one in findings(met(ahead_seconds=seconds))]
    lines += [find("auto", list).how, find("auto", lambda: [GUIDE.parent]).how, find("/no such folder", list).how]
    lines += [waiting(), waiting(silent=True), waiting(ready=True, reason="you are there"), waiting(refused="another")]
    lines += [waiting(ready=True, due=1, reason="2 searches take turns")]
    return lines


OURS = texts(ROOT / "src" / "bittrader")


PRODUCED = produced()


def pieces(quote: str) -> list[str]:
    """What of a quoted line stands in the source as it is quoted."""
    return [piece.strip() for piece in quote.removeprefix(_BAR).split("…") if re.search(r"\w{2}", piece)]


@pytest.mark.parametrize("quote", [quote for quote in QUOTES if not quote.startswith("Ray: ")])
def test_a_quoted_message_is_one_that_the_program_has(quote: str) -> None:
    assert pieces(quote), "it quotes nothing"
    pattern = re.compile(".+".join(map(re.escape, quote.split("…"))))
    missing = [piece for piece in pieces(quote) if piece not in OURS]
    assert not missing or any(map(pattern.search, PRODUCED))


@pytest.mark.parametrize("quote", [quote.removeprefix("Ray: ") for quote in QUOTES if quote.startswith("Ray: ")])
def test_a_quoted_message_of_ray_is_one_that_it_has(quote: str) -> None:
    spec = find_spec("ray")
    assert spec is not None
    assert spec.origin is not None
    assert quote in texts(Path(spec.origin).parent / "_private")


def test_a_message_that_we_do_not_have_would_be_noticed() -> None:
    assert [piece for piece in pieces("the head … cannot be reached: it has gone fishing") if piece not in OURS]
    assert all(len(quotes) > 50 for quotes in QUOTED.values())
