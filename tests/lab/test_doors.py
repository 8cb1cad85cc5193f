"""Who is not let in: bad join codes, revoked computers, strangers, and computers whose numbers would be others."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
import time
from typing import TYPE_CHECKING

from tests.lab.cluster import Node, load
from tests.lab.places import ROOT
from tests.lab.ray_node import PYTHON, RAY
from tests.lab.searches import Compiled, Search, Wanted, now
from tests.lab.shell import wait_until
from tests.lab.standing import fresh_name

from bittrader.cluster.invite import encode, fresh_secret, read_code

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.cluster import Cluster
    from tests.lab.host import Host
    from tests.lab.measure import Recorder

_numbers = itertools.count(1)
# Of HTTP: unauthorized, forbidden.
_REFUSALS = (" 401 ", " 403 ")
SOURCE = ROOT / "src" / "bittrader"


def newcomer(cluster: Cluster, **variables: str) -> Node:
    """A host that is in no cluster."""
    return Node(cluster.lab.host(f"new{next(_numbers)}", variables=variables), "worker")


def test_a_join_code_that_is_no_good_is_refused_with_the_reason(cluster: Cluster, recorder: Recorder) -> None:
    stranger = newcomer(cluster)
    good = cluster.invite("spare")
    expired = cluster.invite("late", "--expires", "1s")
    taken_back = json.loads(cluster.head.own("invite", "--json"))
    cluster.head.own("revoke", taken_back["id"])
    used = cluster.invite("first")
    newcomer(cluster).succeed("worker", "join", used, "--no-start")
    wrong = encode(dataclasses.replace(read_code(good), secret=fresh_secret()))
    other_head = encode(dataclasses.replace(read_code(good), fingerprint=bytes(len(read_code(good).fingerprint))))
    damaged = good[:9] + ("Z" if good[9] != "Z" else "Y") + good[10:]
    time.sleep(1.1)
    codes = {
        "damaged": (damaged, "damaged"),
        "cut short": (good[:-7], "code"),
        "expired": (expired, "expired"),
        "revoked": (taken_back["code"], "revoked"),
        "used": (used, "another used it"),
        "wrong secret": (wrong, "knows no such join code"),
        "of another head": (other_head, "head"),
    }
    for what, (code, words) in codes.items():
        done = stranger.bittrader("worker", "join", code, "--background")
        said = done.stderr.strip()
        fine = done.code == 2 and words in said and "\n" not in said and not stranger.state
        recorder.record(f"join code: {what}", "refused with the reason", f"code {done.code}: {said}", held=fine)
        assert fine, said
        assert not (stranger.folder / "secrets" / "token").exists()
        assert "Traceback" not in said
    stranger.succeed("worker", "join", good, "--no-start")


def test_a_computer_that_was_revoked_is_told_so_and_is_out(cluster: Cluster, recorder: Recorder) -> None:
    three = cluster.worker("three", 1)
    try:
        cluster.wait_until_up()
        cluster.head.own("revoke", "three")
        revoked = now()
        wait_until(lambda: "revoked" in three.own_status(), "it is told", 60, three.log)
        told = now() - revoked
        wait_until(lambda: not three.host.processes("raylet/raylet "), "its Ray is down", 60, three.log)
        down = now() - revoked
        figure = f"told after {told:.1f} s, its Ray down after {down:.1f} s: {three.state['waiting']!r}; {load()}"
        recorder.record("a worker is revoked", "refused with the reason", figure, held=True)
    finally:
        del cluster.workers["three"]
        three.host.power_off()


def test_ray_serves_nobody_without_the_token(cluster: Cluster, recorder: Recorder) -> None:
    stranger = newcomer(cluster).host
    gcs = f"{cluster.head.host.address}:6379"
    stolen = _certificates_of(cluster.workers["two"], stranger)
    (stranger.home / "wrong").write_text("b" * 64)
    (stranger.home / "wrong").chmod(0o600)
    wrong = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(stranger.home_inside / "wrong")}
    programs = {
        "lists nodes": [str(PYTHON), "-c", _LIST.format(gcs=gcs)],
        "joins as a node": [str(RAY), "start", f"--address={gcs}", f"--node-ip-address={stranger.address}"],
    }
    keys = {"no token, no certificate": {}, "a wrong token": {**stolen, **wrong}, "no token": dict(stolen)}
    tries = {
        f"{what} with {which}": stranger.start(["timeout", "-k", "1", "40", *words], variables=variables)
        for (what, words), (which, variables) in itertools.product(programs.items(), keys.items())
    }
    for what, running in tries.items():
        code = running.wait(90)
        got_in = "served" in running.text or code == 0
        last = (running.text.strip().splitlines() or [""])[-1][:120]
        recorder.record(f"stranger {what}", "no Ray port serves it", f"exit code {code}: {last}", held=not got_in)
        assert not got_in
    assert cluster.is_up()


def test_no_port_says_anything_to_a_stranger(cluster: Cluster, recorder: Recorder) -> None:
    stranger = newcomer(cluster).host
    for node in (cluster.head, cluster.workers["one"]):
        ports = _listening(node.host)
        said = {port: _answer(stranger, node.host.address, port) for port in ports}
        talkative = {port: words for port, words in said.items() if words}
        assert recorder.record(
            f"stranger asks every port of {node.name}",
            "nothing but refusals",
            f"{len(ports)} open ({', '.join(map(str, ports))}); answers: {talkative or 'none'}",
            held=all(any(code in words for code in _REFUSALS) for words in talkative.values()),
        )


def test_a_node_with_other_code_is_refused_with_what_differs(cluster: Cluster, recorder: Recorder) -> None:
    changes = {
        "engine": ("backtest/costs.py", "\nCHANGED = True\n"),
        "release": ("__init__.py", '\n__version__ = "0.0.9"\n'),
    }
    for what, (file, text) in changes.items():
        copy = cluster.lab.folder / f"package-{what}"
        shutil.copytree(SOURCE, copy / "bittrader", ignore=shutil.ignore_patterns("__pycache__"))
        with (copy / "bittrader" / file).open("a") as changed:
            changed.write(text)
        _expect_refusal(cluster, recorder, f"other {what}", {"PYTHONPATH": str(copy)})
    for what, text in _SITES.items():
        folder = cluster.lab.folder / f"site-{what}"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(text)
        _expect_refusal(cluster, recorder, f"other {what}", {"PYTHONPATH": str(folder)})


def test_a_node_whose_own_folder_is_stale_computes_with_the_drivers_code(cluster: Cluster, recorder: Recorder) -> None:
    two = cluster.workers["two"]
    stale = two.host.home / "strategies"
    Wanted().put(stale)
    text = (stale / "naps.py").read_text()
    (stale / "naps.py").write_text(text.replace('"other": x * y', '"other": x + y'))
    two.own("config", "set", "code.folder", str(two.host.home_inside / "strategies"))
    two.own("restart")
    wait_until(lambda: two.is_up, "it is up again", 120, two.log)
    made = Search(cluster.head, Wanted(trials=200), fresh_name())
    made.end()
    faults = made.faults()
    took_part = made.file.first("two", 0.0) is not None
    recorder.record(
        "stale strategies in a node's folder",
        "never a wrong number",
        f"{faults or 'all equal'}; it took part: {took_part}; {load()}",
        held=not faults and took_part,
    )
    two.own("config", "set", "code.folder", "default")
    assert not faults


def _expect_refusal(cluster: Cluster, recorder: Recorder, what: str, variables: dict[str, str]) -> None:
    """Lets a node try with something that differs, and looks for the words; it may be stopped at the door already."""
    other = newcomer(cluster, **variables)
    other.own("config", "set", "node.cores", "1")
    done = other.bittrader("worker", "join", cluster.invite(other.name), "--background")
    if done.code:
        said = done.stderr.strip()
        fine = done.code == 2 and "this computer runs" in said and "\n" not in said
        recorder.record(f"node with {what}", "refused with what differs", f"at the door: {said}", held=fine)
        assert fine, said
        return
    try:
        wait_until(lambda: other.is_up, "it is up", 120, other.log)
        made = Search(cluster.head, Compiled(trials=30_000), fresh_name())
        wait_until(lambda: _refusal(made, other) or not made.running.alive, "it is refused", 90, made.story)
        words = _refusal(made, other)
        made.stop()
        faults, took_part = made.faults(), made.file.first(other.name, 0.0) is not None
        recorder.record(
            f"node with {what}",
            "refused with what differs; never a wrong number",
            f"{faults or 'all equal'}; {words!r}",
            held=bool(words) and not faults and not took_part,
        )
        assert words
        assert not faults
        assert not took_part
    finally:
        other.host.power_off()


def _refusal(made: Search, node: Node) -> str:
    return next((one["refused"] or "" for one in made.said().get("nodes", {}).values() if one["name"] == node.name), "")


def _certificates_of(node: Node, thief: Host) -> dict[str, str]:
    """What a thief of a node's certificate, who did not get the token, would set."""
    found: dict[str, str] = json.loads((node.folder / "ray.json").read_text())["env"]
    for name, value in found.items():
        if value.startswith("/") and "TOKEN" not in name:
            inside = node.home.parent / value.removeprefix(str(node.host.home_inside)).lstrip("/")
            copy: Path = thief.home / inside.name
            copy.write_bytes(inside.read_bytes())
            found[name] = str(thief.home_inside / inside.name)
    return {name: value for name, value in found.items() if "AUTH" not in name}


def _listening(host: Host) -> list[int]:
    """The ports that a host's processes listen on, the loopback's apart."""
    lines = host.succeed("ss -ltnH").splitlines()
    places = [line.split()[3].rpartition(":") for line in lines]
    return sorted({int(port) for address, _, port in places if not address.startswith(("127.", "[::1"))})


def _answer(stranger: Host, address: str, port: int) -> str:
    return stranger.run([str(PYTHON), "-c", _ASK, address, str(port)], 30).stdout.strip()


_LIST = """
import ray
ray.init(address={gcs!r}, logging_level="ERROR")
print("served", ray.nodes())
"""

# Whatever a port says, in clear or encrypted, to a request that shows nothing.
_ASK = """
import socket, ssl, sys
address, port = sys.argv[1], int(sys.argv[2])
loose = ssl.create_default_context()
loose.check_hostname, loose.verify_mode = False, ssl.CERT_NONE
for wrap in (lambda plain: plain, loose.wrap_socket):
    try:
        plain = socket.create_connection((address, port), 3)
        plain.settimeout(3)
        with wrap(plain) as talk:
            talk.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
            if heard := talk.recv(300):
                print(heard[:60])
    except OSError:
        pass
"""

# A computer of which something else is true, as far as the program can see.
_SITES = {
    "Python": "import platform\nplatform.python_version = lambda: '3.11.1'\n",
    "Ray": (
        "import importlib.metadata as found\n_version = found.version\n"
        "found.version = lambda name: '2.51.2' if name == 'ray' else _version(name)\n"
    ),
}
