"""`verify` on real nodes with real Ray, of which one thing after another is really broken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.ray_node import PYTHON
from tests.lab.shell import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.lab.host import Host
    from tests.lab.lab import Lab
    from tests.lab.measure import Recorder

LISTEN = """
import socket, sys, time
with socket.create_server(("", int(sys.argv[1]))):
    print("ready", flush=True)
    time.sleep(600)
"""


def bittrader(host: Host, *words: str, variables: Mapping[str, str] | None = None) -> tuple[int, str]:
    done = host.run([str(PYTHON), "-m", "bittrader", *words], 90, variables=variables)
    return done.code, done.stdout


def verified(host: Host, role: str, variables: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    """The exit code, and each finding that is not all right by what it is about."""
    code, said = bittrader(host, role, "verify", "--json", variables=variables)
    return code, {one["what"]: one for one in json.loads(said)["findings"] if one["state"] != "ok"}


@pytest.fixture
def joined(lab: Lab) -> tuple[Host, Host]:
    """A head and a worker at work."""
    head, node = lab.host("head"), lab.host("node")
    assert bittrader(head, "head", "start", "--background")[0] == 0
    _, code = bittrader(head, "head", "invite")
    assert bittrader(node, "worker", "join", code.strip(), "--background")[0] == 0
    wait_until(lambda: verified(node, "worker") == (0, {}), "the worker is all right", 120)
    wait_until(lambda: verified(head, "head") == (0, {}), "the head says so too", 30)
    return head, node


def test_of_a_cluster_that_is_all_right_nothing_else_is_said_and_what_is_broken_is_named(
    joined: tuple[Host, Host], recorder: Recorder
) -> None:
    head, node = joined
    named: dict[str, str] = {}
    node.freeze()
    wait_until(lambda: "Node node" in verified(head, "head")[1], "the head misses its node", 60)
    named["frozen"] = verified(head, "head")[1]["Node node"]["words"]
    node.thaw()
    wait_until(lambda: verified(node, "worker")[0] == 0, "it is back", 120)

    node.cut(silently=True)
    code, found = verified(node, "worker")
    assert code == 1
    named["cut off"] = found["Head"]["words"]
    node.join()
    wait_until(lambda: verified(node, "worker")[0] == 0, "it is back", 120)

    assert bittrader(node, "worker", "stop")[0] == 0
    code, found = verified(node, "worker")
    assert (code, set(found)) == (1, {"Daemon"})

    token = node.home / ".bittrader_worker" / "secrets" / "token"
    token.write_text("0" * 64)
    token.chmod(0o644)
    code, found = verified(node, "worker")
    assert (code, set(found)) == (1, {"Daemon", "Token", "Secrets"})
    named["wrong token"] = found["Token"]["words"]
    token.chmod(0o600)

    intruder = node.start([str(PYTHON), "-c", LISTEN, "6382"]).says("ready", 10)
    code, found = verified(node, "worker")
    assert (code, set(found)) == (1, {"Daemon", "Token", "Ports"})
    named["port taken"] = found["Ports"]["words"]
    intruder.kill()

    small = (
        "mkdir -p /tmp/small && mount -t tmpfs -o size=2m small /tmp/small && cp -a .bittrader_worker /tmp/small/worker"
    )
    node.succeed(small)
    node.run("cat /dev/zero > /tmp/small/worker/fills")
    code, found = verified(node, "worker", {"BITTRADER_HOME": "/tmp/small"})
    assert code == 1
    named["disk full"] = found["Disk"]["words"]

    assert bittrader(node, "worker", "start", "--background")[0] == 0
    wait_until(lambda: verified(node, "worker")[0] == 0, "the worker has fetched the token and is back", 120)

    assert bittrader(head, "head", "stop")[0] == 0
    code, found = verified(node, "worker")
    assert code == 1
    named["no head"] = found["Head"]["words"]

    for event, words in named.items():
        recorder.record(f"verify: {event}", "is named", words, held=True)
    assert "connection refused" in named["no head"]
    assert "no answer from" in named["cut off"]
    assert "port 6382 is taken by" in named["port taken"]
