"""The meeting point and Ray's encryption between hosts: joining, another address, and what travels over the cable."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.lab.ray_node import HEAD_PORT, PYTHON, RAY, variables
from tests.lab.shell import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.host import Host
    from tests.lab.lab import Lab
    from tests.lab.measure import Recorder

MEETING = 6390

HEAD = f"""
import sys, time
from pathlib import Path
from bittrader.cluster import authority
from bittrader.cluster.desk import Head
from bittrader.cluster.facts import facts_here
from bittrader.cluster.invite import Invite, encode, fresh_secret
from bittrader.cluster.meeting import Meeting
from bittrader.cluster.members import Members
from bittrader.cluster.messages import Hosting
from bittrader.cluster.secrets import MEMBERS, Secrets

address, token = sys.argv[1:]
folder = Path.home() / "head"
secrets = Secrets(folder)
authority.prepare_head(secrets)
secrets.keep("token", token)
authority.certify_head(secrets, "head", address)
hosting = Hosting("one", f"{{address}}:{HEAD_PORT}", frozenset(), (address,), encrypted=True)
head = Head("0" * 16, "head", facts_here())
meeting = Meeting(folder, head, lambda: hosting, port={MEETING}, log=print)
made = Invite((address,), {MEETING}, authority.meeting_fingerprint(secrets), fresh_secret())
Members(secrets.path(MEMBERS)).invite(made.secret, None, time.time(), time.time() + 600)
(Path.home() / "code").write_text(encode(made))
print("ready", flush=True)
time.sleep(600)
"""
JOIN = """
import sys
from pathlib import Path
from bittrader.cluster.facts import facts_here
from bittrader.cluster.invite import decode
from bittrader.cluster.visit import join
print(join(Path.home() / "worker", decode(sys.argv[1]), "1" * 16, "node", facts_here()).seen_at)
"""
VISIT = """
import json, socket, sys
from pathlib import Path
from bittrader.cluster.authority import certified_address
from bittrader.cluster.facts import facts_here
from bittrader.cluster.secrets import Secrets
from bittrader.cluster.visit import Visitor
folder = Path.home() / "worker"
node = Visitor(folder, "1" * 16, facts_here())
with socket.create_server(("", 6999)):
    told = node.report({})
    if told.seen_at != certified_address(Secrets(folder)):
        node.renew(told.seen_at, "node")
    reached = node.reach([6999, 6998])
facts = {"seen_at": told.seen_at, "certified": certified_address(Secrets(folder)), "ports": reached.ports}
print(json.dumps(facts))
"""
LISTEN = """
import socket, sys, time
words = [word.encode() for word in sys.argv[1:]]
cable = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
cable.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)  # SO_RCVBUFFORCE
cable.bind(("eth0", 0))
cable.settimeout(0.2)
print("ready", flush=True)
heard, found = 0, {word: 0 for word in words}
while True:
    try:
        packet = cable.recv(1 << 17)
    except TimeoutError:
        print(heard, *found.values(), flush=True)
        continue
    heard += len(packet)
    for word in words:
        found[word] += word in packet
"""
DRIVE = """
import sys
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as At

ray.init(address=sys.argv[1], logging_level="ERROR", log_to_driver=False)

@ray.remote(num_cpus=0)
class There:
    def where(self): return ray.util.get_node_ip_address()
    def long(self, text): return len(text)
    def make(self, size): return b"MARKER-IN-AN-OBJECT-" * (size // 20)

here = ray.get_runtime_context().get_node_id()
there = next(node["NodeID"] for node in ray.nodes() if node["Alive"] and node["NodeID"] != here)
actor = There.options(scheduling_strategy=At(there, soft=False)).remote()
size = 20_000_000
assert ray.get(actor.long.remote(b"MARKER-IN-AN-OBJECT-" * (size // 20)), timeout=60) == size
assert len(ray.get(actor.make.remote(size), timeout=60)) == size
print(ray.get(actor.where.remote(), timeout=60))
"""
NODES = """
import json, sys
import ray
ray.init(address=sys.argv[1], logging_level="ERROR", log_to_driver=False)
print(json.dumps([node["Alive"] for node in ray.nodes()]))
"""
TOKEN = "0123456789abcdef" * 4


def python(host: Host, program: str, *words: str, encrypted: bool = False, folder: str = "worker") -> str:
    inside = environment(host, folder, encrypted=encrypted)
    return host.succeed([str(PYTHON), "-c", program, *words], 120, variables=inside)


def environment(host: Host, folder: str, *, encrypted: bool) -> dict[str, str]:
    secrets = host.home_inside / folder / "secrets"
    tls = {
        "RAY_USE_TLS": "1",
        "RAY_TLS_SERVER_CERT": str(secrets / "node.pem"),
        "RAY_TLS_SERVER_KEY": str(secrets / "node.key"),
        "RAY_TLS_CA_CERT": str(secrets / "ca.pem"),
    }
    return variables(host, TOKEN) | (tls if encrypted else {})


def start_ray(host: Host, folder: str, *words: str, encrypted: bool) -> None:
    ports = ("--node-manager-port=6380", "--object-manager-port=6381", "--runtime-env-agent-port=6382")
    workers = ("--min-worker-port=6400", "--max-worker-port=6499")
    lean = ("--include-log-monitor=false", "--disable-usage-stats")
    own = (f"--node-ip-address={host.address}", "--num-cpus=1", "--object-store-memory=200000000")
    command = [str(RAY), "start", *words, *own, *ports, *workers, *lean]
    host.succeed(command, 120, variables=environment(host, folder, encrypted=encrypted))


@pytest.fixture
def joined(lab: Lab) -> tuple[Host, Host]:
    """A head that meets its nodes, and a node that has joined it."""
    head, node = lab.host("head"), lab.host("node")
    head.start([str(PYTHON), "-c", HEAD, head.address, TOKEN]).says("ready", 30)
    assert python(node, JOIN, (head.home / "code").read_text()).strip() == node.address
    return head, node


@contextmanager
def listening(host: Host) -> Iterator[dict[str, int]]:
    """What went over a host's cable meanwhile: bytes, and packets in which a word could be read."""
    found: dict[str, int] = {}
    listener = host.start([str(PYTHON), "-c", LISTEN, "MARKER-IN-AN-OBJECT-", TOKEN]).says("ready", 10)
    yield found
    time.sleep(1)  # what is still in its queue
    listener.kill()
    last = [line for line in listener.text.splitlines() if line.count(" ") == 2][-1]
    found |= dict(zip(("bytes", "objects", "tokens"), map(int, last.split()), strict=True))


def test_a_node_that_changes_its_address_is_certified_for_it_and_reached_there(joined: tuple[Host, Host]) -> None:
    _, node = joined
    for _ in range(3):
        facts = json.loads(python(node, VISIT))
        assert facts == {
            "seen_at": node.address,
            "certified": node.address,
            "ports": {"6999": "open", "6998": "closed"},
        }
        node.change_address()


@pytest.mark.parametrize("encrypted", [True, False], ids=["encrypted", "plain"])
def test_with_certificates_nothing_of_ray_can_be_read_on_the_cable_and_without_them_all(
    joined: tuple[Host, Host], recorder: Recorder, *, encrypted: bool
) -> None:
    head, node = joined
    start_ray(head, "head", "--head", f"--port={HEAD_PORT}", "--include-dashboard=false", encrypted=encrypted)
    with listening(head) as heard:
        start_ray(node, "worker", f"--address={head.address}:{HEAD_PORT}", encrypted=encrypted)
        where = python(head, DRIVE, f"{head.address}:{HEAD_PORT}", encrypted=encrypted, folder="head")
    assert where.strip() == node.address
    assert heard["bytes"] > 40_000_000, "the objects did travel"
    assert (heard["objects"] == 0) == (heard["tokens"] == 0) == encrypted
    recorder.record(
        f"Ray {'with' if encrypted else 'without'} certificates",
        "nothing can be read on the cable" if encrypted else "(to show that the listener hears)",
        f"{heard['objects']} packets of objects, {heard['tokens']} of the token",
        held=True,
    )


@pytest.mark.full
def test_a_certificate_for_another_address_loses_the_node_and_the_next_one_brings_it_back(
    joined: tuple[Host, Host],
) -> None:
    head, node = joined
    gcs = f"{head.address}:{HEAD_PORT}"
    start_ray(head, "head", "--head", f"--port={HEAD_PORT}", "--include-dashboard=false", encrypted=True)
    node.change_address()
    start_ray(node, "worker", f"--address={gcs}", encrypted=True)

    def is_lost() -> bool:
        said = python(head, NODES, gcs, encrypted=True, folder="head")
        # Ray itself may have a line to print after ours, of the very node that is lost.
        return sorted(json.loads(said.partition("\n")[0])) == [False, True]

    wait_until(is_lost, "the node with the wrong certificate is lost", 60)
    node.kill("ray")
    assert json.loads(python(node, VISIT))["certified"] == node.address
    start_ray(node, "worker", f"--address={gcs}", encrypted=True)
    assert python(head, DRIVE, gcs, encrypted=True, folder="head").strip() == node.address
