"""The rig itself: hosts are apart, cables can be pulled, delays and limits are as they are told, nothing stays."""

from __future__ import annotations

import hashlib
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.lab import ray_node
from tests.lab.cgroups import groups
from tests.lab.images import RELEASES, USER, image
from tests.lab.lab import Lab
from tests.lab.leftovers import sweep
from tests.lab.network import no_way_out
from tests.lab.places import ROOT, labs_folder
from tests.lab.ray_node import PYTHON
from tests.lab.shell import LabError, process_at, wait_until
from tests.lab.shell import numbers as all_numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.host import Host
    from tests.lab.machine import Machine
    from tests.lab.measure import Recorder
    from tests.lab.namespace import NamespaceHost

KINDS: dict[str, Callable[[Lab, str], Host]] = {"namespace": Lab.host, "machine": Lab.machine}
COUNT = "n=0; while :; do n=$((n+1)); echo $n; sleep 0.01; done"


@pytest.fixture
def other(lab: Lab) -> NamespaceHost:
    """The host at the other end."""
    return lab.host("other")


@pytest.fixture(params=KINDS)
def host(request: pytest.FixtureRequest, lab: Lab, other: NamespaceHost) -> Host:
    """A host of each kind."""
    return KINDS[request.param](lab, "host")


def reaches(one: Host, two: Host) -> bool:
    return one.run(["ping", "-c1", "-W1", two.address]).code == 0


def round_trips(one: Host, two: Host, count: int = 5) -> list[float]:
    """Milliseconds."""
    said = one.run(["ping", f"-c{count}", "-i0.2", two.address]).stdout
    return [float(found) for found in re.findall(r"time=([\d.]+) ms", said)]


class TestEveryHost:
    """Holds for both kinds."""

    def test_reaches_the_others_by_address_and_by_name(self, host: Host, other: NamespaceHost) -> None:
        assert reaches(host, other)
        assert reaches(other, host)
        assert "1 received" in other.succeed(["ping", "-c1", "host"])

    def test_says_what_a_command_printed_and_with_which_code_it_ended(self, host: Host) -> None:
        done = host.run("cat; echo wrong >&2; exit 3", stdin="given", variables={"A": "b"})
        assert (done.code, done.stdout, done.stderr) == (3, "given", "wrong\n")
        with pytest.raises(LabError, match=r"did not end in 0\.5 s"):
            host.run(["sleep", "77"], timeout=0.5)
        assert not host.processes("sleep 77")

    def test_answers_what_a_program_asks_on_a_terminal(self, host: Host) -> None:
        ask = "test -t 0 && test -t 1 && printf 'Name? '; read name; printf 'Sure, %s? [y/n] ' $name; read sure; exit 4"
        done = host.talk(ask, [("Name? ", "Ada"), ("[y/n]", "y")])
        assert done.code == 4
        assert "Sure, Ada? [y/n]" in done.stdout
        with pytest.raises(LabError, match="never asked 'Age"):
            host.talk(ask, [("Name? ", "Ada"), ("[y/n]", "y"), ("Age", "7")])

    def test_inherits_no_variable(self, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OF_THE_TEST", "1")
        assert "OF_THE_TEST" not in host.succeed("env")

    def test_sees_no_process_of_another(self, host: Host, other: NamespaceHost) -> None:
        other.start(["sleep", "78"])
        wait_until(lambda: other.processes("sleep 78"), "it runs")
        assert "sleep 78" not in host.succeed("ps -eo args | grep -v grep")
        assert not host.processes("sleep 78")

    def test_has_temporary_files_and_shared_memory_of_its_own(self, host: Host, other: NamespaceHost) -> None:
        host.succeed("echo mine > /tmp/file; echo mine > /dev/shm/file")
        assert other.run("cat /tmp/file").code
        assert other.run("cat /dev/shm/file").code
        assert not Path("/tmp/file").exists()

    def test_has_an_identity_of_its_own(self, host: Host, other: NamespaceHost) -> None:
        assert host.succeed("hostname") == "host\n"
        assert host.succeed("cat /etc/machine-id") != other.succeed("cat /etc/machine-id")

    def test_shares_its_home_with_the_outside(self, host: Host) -> None:
        (host.home / "given").write_text("from outside")
        assert host.succeed("cat ~/given; echo from inside > taken") == "from outside"
        assert (host.home / "taken").read_text() == "from inside\n"

    def test_runs_the_projects_python(self, host: Host) -> None:
        assert host.succeed([str(PYTHON), "-c", "import bittrader, ssl, sqlite3; print(bittrader.__name__)"])

    def test_is_out_of_reach_while_its_cable_is_out(self, host: Host, other: NamespaceHost) -> None:
        host.cut()
        assert not reaches(other, host)
        assert host.succeed("cat /sys/class/net/eth0/carrier") == "0\n"
        host.join()
        wait_until(lambda: reaches(other, host), "it is back")

    def test_sees_a_carrier_while_it_is_cut_silently(self, host: Host, other: NamespaceHost) -> None:
        host.cut(silently=True)
        assert not reaches(other, host)
        assert host.succeed("cat /sys/class/net/eth0/carrier") == "1\n"
        host.join()
        wait_until(lambda: reaches(other, host), "it is back")

    def test_answers_at_its_new_address_only(self, host: Host, other: NamespaceHost) -> None:
        old = host.address
        new = host.change_address()
        assert (new, host.address) != (old, old)
        wait_until(lambda: reaches(other, host), "it answers")
        assert other.run(["ping", "-c1", "-W1", old]).code
        assert new in other.succeed(["ping", "-c1", "host"])

    def test_stands_still_while_it_is_frozen(self, host: Host) -> None:
        counter = host.start(COUNT).says("10\n")
        host.freeze()
        seen = counter.text
        with pytest.raises(LabError, match="not within"):
            wait_until(lambda: counter.text != seen, "it counts", 0.5)
        host.thaw()
        wait_until(lambda: counter.text != seen, "it goes on")
        numbers = [int(line) for line in counter.text.splitlines(keepends=True) if line.endswith("\n")]
        assert numbers == list(range(1, len(numbers) + 1))

    def test_is_out_of_reach_while_it_sleeps(self, host: Host, other: NamespaceHost) -> None:
        counter = host.start(COUNT).says("10\n")
        host.sleep()
        assert not reaches(other, host)
        seen = counter.text
        host.wake()
        wait_until(lambda: counter.text != seen, "it goes on")
        wait_until(lambda: reaches(other, host), "it is back")

    def test_loses_only_the_processes_that_are_killed(self, host: Host, other: NamespaceHost) -> None:
        for one in (host, other):
            one.start(["sleep", "79"])
            one.start(["sleep", "80"])
        wait_until(lambda: len(host.processes("sleep ")) == len(other.processes("sleep ")) == 2, "all run")
        assert host.kill("sleep 79") == 1
        wait_until(lambda: [process.command for process in host.processes("sleep ")] == ["sleep 80"], "one is left")
        assert len(other.processes("sleep ")) == 2

    def test_says_goodbye_when_its_processes_die(self, host: Host, other: NamespaceHost) -> None:
        connections = connect(other, host)
        host.kill("create_server")
        wait_until(lambda: not other.succeed(connections), "the other was told")

    def test_says_goodbye_to_nobody_when_its_power_goes(self, host: Host, other: NamespaceHost) -> None:
        connections = connect(other, host)
        host.power_off()
        assert len(other.succeed(connections).splitlines()) == 1

    @pytest.mark.parametrize("how", ["softly", "hard"])
    def test_keeps_its_disk_and_loses_its_memory_when_it_starts_again(
        self, host: Host, other: NamespaceHost, how: str
    ) -> None:
        host.succeed("echo kept > ~/file; echo lost > /tmp/file; echo lost > /dev/shm/file")
        lost = host.start(["sleep", "600"])
        if how == "softly":
            host.reboot()
        else:
            host.power_off()
            host.power_on()
        assert host.succeed("cat ~/file") == "kept\n"
        assert host.run("cat /tmp/file").code
        assert host.run("cat /dev/shm/file").code
        assert not host.processes("sleep 600")
        assert not lost.alive
        wait_until(lambda: reaches(other, host), "it is back")

    def test_takes_no_command_while_it_is_off(self, host: Host) -> None:
        host.power_off()
        with pytest.raises(LabError, match="host is off"):
            host.run("true")
        host.power_on()
        assert host.run("true").code == 0

    def test_leaves_nothing_when_it_is_closed(self, lab: Lab, host: Host) -> None:
        host.start(["setsid", "sleep", "601"])
        wait_until(lambda: host.processes("sleep 601"), "it runs")
        host.delay(10)
        processes = host.processes()
        lab.hosts.remove(host)
        host.close()
        assert not any(process.alive for process in processes)
        assert_gone(f"{lab.name}-host")
        assert_gone(f"{lab.name}/hosts/host")
        assert not host.folder.exists()
        assert {link[0] for link in lab.network.links()} == {"l", "b", "c"}

    def test_is_as_far_away_as_it_is_told(self, host: Host, other: NamespaceHost, recorder: Recorder) -> None:
        near = min(round_trips(other, host))
        host.delay(80)
        far = min(round_trips(other, host))
        host.delay(0)
        after = min(round_trips(other, host))
        kind = type(host).__name__
        assert recorder.record(
            f"{kind} told to be 80 ms away", "80 to 95 ms, and near again after", f"{far:.1f} ms, {after:.2f} ms",
            held=80 <= far - near <= 95 and after < 5,
        )  # fmt: skip

    def test_gets_no_more_processor_time_than_its_limit(self, host: Host, recorder: Recorder) -> None:
        # Small shares, which it gets also while others are busy on this computer.
        (fast, fast_share), (slow, slow_share) = turns(host, 0.16), turns(host, 0.04)
        assert recorder.record(
            f"{type(host).__name__} limited to 0.16, then to 0.04 of a core", "this share of time, 4 : 1",
            f"{fast_share:.3f}, {slow_share:.3f} ({fast / slow:.1f} : 1 turns of a loop)",
            held=fast_share < 0.17 and slow_share < 0.05 and 3.2 < fast_share / slow_share < 4.5,
        )  # fmt: skip


def connect(one: Host, two: Host) -> str:
    """Connects two hosts by TCP; returns the command that lists, on the first, the connections that stand."""
    serve = (
        f"import socket, time; s=socket.create_server(('{two.address}', 7777)); c=s.accept()\n"
        "print('got', flush=True); time.sleep(600)"
    )
    server = two.start([str(PYTHON), "-c", serve])
    wait_until(lambda: ":7777" in two.succeed("ss -Htln"), "it listens")
    call = f"import socket, time; s=socket.create_connection(('{two.address}', 7777)); time.sleep(600)"
    one.start([str(PYTHON), "-c", call])
    server.says("got")
    return f"ss -Htn state established dst {two.address}"


def turns(host: Host, cores: float) -> tuple[int, float]:
    """How often a loop went round in three seconds, and its share of a processor's time."""
    host.limit(cores)
    program = "import time; n=0; end=time.time()+3\nwhile time.time()<end: n+=1\nprint(n, time.process_time()/3)"
    count, share = host.succeed([str(PYTHON), "-ISc", program]).split()
    host.limit(None)
    return int(count), float(share)


def traces_of(name: str) -> list[str]:
    """Everything on this computer that still bears the name: groups, namespaces, mounts, processes."""
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if name in line]
    spaces = [path.name for path in Path("/run/netns").glob("*") if name in path.name]
    return [*map(str, groups(f"{name}*")), *mounts, *spaces, *processes_in(name)]


def assert_gone(name: str) -> None:
    """Nothing bears the name, once the kernel has taken down what was just killed."""
    wait_until(lambda: not traces_of(name), f"{name} is gone", 10, lambda: "\n".join(traces_of(name)))


def processes_in(group: str) -> list[str]:
    """The processes of control groups of that name, less those that ended and wait for their parent to notice."""
    found = []
    for pid in all_numbers():
        try:
            groups_of = Path(f"/proc/{pid}/cgroup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if group in groups_of and (process := process_at(pid)):
            found.append(str(process))
    return found


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_a_host_runs_on_its_own_processors_alone(lab: Lab, make: Callable[..., Host]) -> None:
    host = make(lab, "host", processors=[0])
    count = [str(PYTHON), "-c", "import os; print(os.sched_getaffinity(0))"]
    assert host.succeed(count) == "{0}\n"
    host.reboot()
    assert host.succeed(count) == "{0}\n"


def test_a_limit_that_cannot_be_kept_is_refused(lab: Lab) -> None:
    with pytest.raises(LabError, match=r"0\.001 of a core is too little"):
        lab.host("host").limit(0.001)


def test_no_way_leads_out_of_the_network(lab: Lab) -> None:
    host = lab.host("host")
    assert no_way_out(lab.name)
    assert host.succeed("ip -4 route").splitlines() == [
        "default via 10.77.0.1 dev eth0 ",
        f"10.77.0.0/16 dev eth0 proto kernel scope link src {host.address} ",
    ]
    forwarding = subprocess.run(
        ["ip", "netns", "exec", lab.name, "sysctl", "-n", "net.ipv4.ip_forward"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert forwarding.stdout == "0\n"


def test_a_relay_loses_the_share_that_it_is_told(lab: Lab) -> None:
    one, two = lab.host("one"), lab.host("two")
    two.delay(2, loss=0.3)
    arrived = len(round_trips(one, two, 50))
    assert 5 < arrived < 45  # half get through both ways: 49 %


def test_a_relay_carries_megabytes_a_second_unchanged(lab: Lab, recorder: Recorder) -> None:
    one, two = lab.host("one"), lab.host("two")
    two.delay(50)
    sent = send(one, two, 20)
    assert recorder.record("20 MB through a relay of 50 ms", "> 3 MB/s, unchanged", f"{sent:.0f} MB/s", held=sent > 3)


def test_the_counters_count_what_was_sent(lab: Lab, recorder: Recorder) -> None:
    one, two = lab.host("one"), lab.host("two")
    before = one.traffic(), two.traffic()
    send(one, two, 20)
    sent, received = (one.traffic() - before[0]).sent / 1e6, (two.traffic() - before[1]).received / 1e6
    assert recorder.record(
        "20 MB sent", "counted at both ends, less than 5 % more", f"{sent:.2f}, {received:.2f} MB",
        held=20 <= sent < 21 and sent == pytest.approx(received, rel=0.001),
    )  # fmt: skip


def send(one: Host, two: Host, megabytes: int) -> float:
    """Sends random bytes and sees that the same arrive; returns megabytes a second."""
    take = (
        "import hashlib, socket; s=socket.create_server(('', 7778)); c=s.accept()[0]; h=hashlib.sha256()\n"
        "while block := c.recv(65536): h.update(block)\nprint(h.hexdigest())"
    )
    data = (hashlib.sha256(b"seed").digest() * 31250) * megabytes
    (one.home / "data").write_bytes(data)
    give = (
        f"import socket, time; t=time.time(); s=socket.create_connection(('{two.address}', 7778))\n"
        "s.sendall(open('data', 'rb').read()); s.shutdown(1); s.recv(1); print(time.time()-t)"
    )
    server = two.start([str(PYTHON), "-u", "-c", take])
    wait_until(lambda: ":7778" in two.succeed("ss -Htln"), "it listens")
    seconds = float(one.succeed([str(PYTHON), "-c", give]))
    server.wait()
    assert server.text.strip() == hashlib.sha256(data).hexdigest()
    return len(data) / 1e6 / seconds


def test_a_light_host_is_ready_in_less_than_a_second(lab: Lab, recorder: Recorder) -> None:
    best = min(seconds_of(lambda: lab.host("a")), seconds_of(lambda: lab.host("b")))
    assert recorder.record("a light host is made", "< 1 s", f"{best:.2f} s", held=best < 1)


def seconds_of(action: Callable[[], object]) -> float:
    """How long it took."""
    started = time.monotonic()
    action()
    return time.monotonic() - started


def test_two_hosts_of_one_name_are_refused(lab: Lab) -> None:
    lab.host("host")
    with pytest.raises(LabError, match="there is a host host already"):
        lab.host("host")


def test_a_closed_lab_leaves_nothing() -> None:
    with Lab() as lab:
        hosts = [lab.host("host"), lab.machine("machine")]
        for host in hosts:
            host.start(["setsid", "sleep", "602"])
        hosts[0].delay(10)
        wait_until(lambda: all(host.processes("sleep 602") for host in hosts), "all run")
        processes = [process for host in hosts for process in host.processes()]
        assert traces_of(lab.name)
    assert not any(process.alive for process in processes)
    assert_gone(lab.name)
    assert not lab.folder.exists()


def test_a_lab_whose_test_was_killed_is_removed_by_the_next_one() -> None:
    program = (
        "import time; from tests.lab.lab import Lab; lab = Lab(); host = lab.host('host'); lab.machine('machine')\n"
        "host.delay(10); host.start('sleep 603'); print(lab.name, flush=True); time.sleep(600)"
    )
    victim = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert victim.stdout
    name = victim.stdout.readline().strip()
    assert traces_of(name)
    victim.kill()
    victim.communicate()
    assert name in sweep()
    assert_gone(name)
    assert not (labs_folder() / name).exists()


class TestMachine:
    """What only a machine has: systemd."""

    def test_boots_without_a_failed_unit(self, lab: Lab, recorder: Recorder) -> None:
        image("bookworm")  # which may have to be built
        started = time.monotonic()
        machine = lab.machine("machine")
        seconds = time.monotonic() - started
        assert machine.succeed(["systemctl", "is-system-running"]) == "running\n"
        assert machine.succeed(["cat", "/proc/1/comm"]) == "systemd\n"
        assert recorder.record("a machine is made and boots", "running", f"running after {seconds:.1f} s", held=True)

    def test_starts_an_enabled_service_after_a_reboot_and_after_a_kill(self, lab: Lab, recorder: Recorder) -> None:
        machine = lab.machine("machine")
        unit = (
            "[Service]\nExecStart=/bin/sleep 604\nRestart=always\nRestartSec=0\n[Install]\nWantedBy=multi-user.target\n"
        )
        (machine.root / "etc/systemd/system/sleeper.service").write_text(unit)
        machine.succeed("systemctl enable --now sleeper")
        before = machine.succeed("cat /proc/sys/kernel/random/boot_id")
        seconds = seconds_of(machine.reboot)
        assert machine.succeed("cat /proc/sys/kernel/random/boot_id") != before
        assert machine.state() == "running"
        (service,) = machine.processes("sleep 604")
        service.kill(signal.SIGKILL)
        wait_until(lambda: machine.processes("sleep 604"), "systemd started it again")
        assert not service.alive
        assert recorder.record("a machine reboots", "running, services too", f"after {seconds:.1f} s", held=True)

    def test_gives_an_ordinary_user_services_of_his_own(self, lab: Lab) -> None:
        machine = lab.machine("machine")
        machine.succeed(["loginctl", "enable-linger", USER])
        ask = machine.as_user(["systemctl", "--user", "is-system-running"])
        wait_until(lambda: machine.run(ask).stdout == "running\n", "the user's systemd runs", 20)
        assert machine.succeed(machine.as_user("id -un; pwd; echo $HOME")) == f"{USER}\n/home/{USER}\n/home/{USER}\n"

    def test_sees_nothing_of_this_computer_when_it_is_bare(self, lab: Lab) -> None:
        machine = lab.machine("machine", seen=())
        assert machine.run(["test", "-e", str(ROOT)]).code
        assert machine.succeed("python3 --version")

    @pytest.mark.full
    @pytest.mark.parametrize("release", RELEASES)
    def test_is_of_the_release_that_was_asked_for(self, lab: Lab, release: str) -> None:
        machine = lab.machine("machine", release)
        assert f"VERSION_CODENAME={release}" in machine.succeed("cat /etc/os-release")
        assert machine.state() == "running"
        assert machine.succeed([str(PYTHON), "-c", "import ray, numba, ssl; print(ray.__version__)"]) == "2.60.0\n"
        machine.reboot()
        assert machine.state() == "running"


WHO = """
import ray, socket
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On
ray.init(address="auto", log_to_driver=False, logging_level="ERROR")
@ray.remote(num_cpus=1)
class Who:
    def name(self):
        return socket.gethostname()
alive = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
actors = [Who.options(scheduling_strategy=On(node, soft=False)).remote() for node in alive]
"""
NAMES = f"{WHO}\nprint(*sorted(ray.get([actor.name.remote() for actor in actors], timeout=60)))"
ALIVE = "import ray; ray.init(address='auto', logging_level='ERROR'); print(sum(n['Alive'] for n in ray.nodes()))"
ASKS = f"""{WHO}
import time
while True:
    answers = ray.wait([actor.name.remote() for actor in actors], num_returns=len(actors), timeout=1)[0]
    print("answers", len(answers), flush=True)
    time.sleep(0.2)
"""


def cluster(lab: Lab, recorder: Recorder, node: Host) -> NamespaceHost:
    """A head, with that node in its cluster."""
    head = lab.host("head")
    for what, done in (("head", ray_node.start_head(head)), (type(node).__name__, ray_node.start_node(node, head))):
        assert done.code == 0, done
        recorder.record(f"`ray start` on {what}", "up", f"{done.seconds:.1f} s", held=True)
    return head


@pytest.mark.full
class TestRay:
    """Plain Ray, one node a host."""

    def test_an_actor_on_each_node_answers(self, lab: Lab, recorder: Recorder) -> None:
        head = cluster(lab, recorder, node := lab.host("node"))
        assert ray_node.drive(head, NAMES) == "head node\n"
        assert node.processes("raylet/raylet")
        assert not node.processes("gcs_server")

    def test_a_node_answers_again_after_a_short_cut_and_is_dead_after_a_long_one(
        self, lab: Lab, recorder: Recorder
    ) -> None:
        head = cluster(lab, recorder, node := lab.host("node"))
        asking = head.start([str(PYTHON), "-c", ASKS], variables=ray_node.variables(head)).says("answers 2")
        node.cut()
        asking.says("answers 1")
        node.join()
        seen = len(asking.text)
        seconds = wait_until(lambda: "answers 2" in asking.text[seen:], "both answer", 30)
        recorder.record("Ray node cut for a second", "answers again", f"after {seconds:.1f} s", held=True)
        asking.kill()
        node.cut()
        seconds = wait_until(lambda: ray_node.drive(head, ALIVE) == "1\n", "it is declared dead", 60)
        assert recorder.record("Ray node cut for ever", "declared dead", f"after {seconds:.0f} s", held=seconds < 60)

    def test_a_stranger_without_the_token_is_refused(self, lab: Lab, recorder: Recorder) -> None:
        head = cluster(lab, recorder, lab.host("node"))
        other = lab.host("other")
        call = [str(PYTHON), "-c", f"import ray; ray.init(address='{head.address}:{ray_node.HEAD_PORT}')"]
        without, wrong = {"RAY_AUTH_MODE": "disabled"}, ray_node.variables(other, "another token")
        for asking in [other.start(call, variables=variables) for variables in (without, wrong)]:
            assert asking.wait(90)
            assert "InvalidAuthToken" in asking.text

    def test_a_machine_joins_a_head(self, lab: Lab, recorder: Recorder) -> None:
        node: Machine = lab.machine("node")
        head = cluster(lab, recorder, node)
        assert ray_node.drive(head, NAMES) == "head node\n"
