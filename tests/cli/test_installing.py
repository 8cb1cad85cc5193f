"""`install` and `uninstall`, as whoever sits at the computer meets them; the computer is one in memory."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.cluster.healthy import STATE
from tests.install.machines import FakeMachine, linux

from bittrader import paths
from bittrader.cli import asking, installing, joining, services, uninstalling, verifying, worker
from bittrader.cluster import daemon
from bittrader.cluster.config_file import set_key
from bittrader.cluster.identity import folder_of, identity
from bittrader.cluster.invite import Invite
from bittrader.cluster.network import Way
from bittrader.cluster.roles import has_joined
from bittrader.cluster.settings import read_settings
from bittrader.cluster.visit import Contact, keep_contact
from bittrader.errors import ClusterError, InputError, InstallError
from bittrader.install import facts as facts_module
from bittrader.install import removal
from bittrader.install.bounds import Bounds
from bittrader.install.turns import alone
from bittrader.optimize.studies import shelf
from bittrader.optimize.studies.database import StudyRunningError, WriterLock

if TYPE_CHECKING:
    from pathlib import Path

UP = replace(STATE, at=math.inf)


@pytest.fixture
def machine(monkeypatch):
    """The computer that is installed on; its daemon answers while its service runs."""
    machine = FakeMachine()
    for module in (installing, services, uninstalling, verifying):
        monkeypatch.setattr(module, "Here", lambda *_: machine)
    monkeypatch.setattr(installing, "facts_of", lambda role, *_: facts(role))
    monkeypatch.setattr(facts_module, "bounds_of", lambda role, _: bounds(facts(role)))
    monkeypatch.setattr(daemon, "running", lambda _role: UP if machine.active else None)
    monkeypatch.setattr(services, "is_held", lambda _folder: bool(machine.active))
    monkeypatch.setattr(installing, "way", lambda *_: Way("192.0.2.1", (), encrypted=True, reason="so it is"))
    return machine


def bounds(facts):
    return Bounds(facts.role, facts.owner, facts.home, (facts.folder,))


def facts(role, **more):
    return replace(linux(role, **more), folder=str(folder_of(role)))


@pytest.fixture
def answer(monkeypatch):
    """Somebody sits there, and gives these answers."""

    def answers(*given):
        left = list(given)
        monkeypatch.setattr(asking, "is_terminal", lambda: True)
        monkeypatch.setattr(uninstalling, "is_terminal", lambda: True)
        monkeypatch.setattr("builtins.input", lambda *_: left.pop(0))
        return left

    return answers


def test_a_head_is_installed_and_prints_the_command_for_the_others_and_nothing_else(machine, tell):
    code, out, err = tell("head", "install", "--yes")
    assert code == 0
    assert out.startswith("bittrader worker join ")
    assert len(out.splitlines()) == 1
    assert "1. write" in err
    assert "The head is installed, and runs." in err
    assert machine.active == {"user bittrader-head.service"}


def test_a_dry_run_shows_everything_and_does_nothing(machine, tell):
    before = machine.picture()
    code, _, err = tell("head", "install", "--dry-run")
    assert code == 0
    assert "start bittrader-head.service" in err
    assert machine.picture() == before
    assert not folder_of("head").exists()


def test_as_json_it_is_one_object(machine, tell):
    code, out, err = tell("head", "install", "--yes", "--json")
    said = json.loads(out)
    assert (code, err) == (0, "")
    assert said["up"]
    assert said["join"]
    assert {one["kind"] for one in said["changes"]} == {"file", "link", "linger", "unit", "running"}
    _, out, _ = tell("head", "install", "--dry-run", "--json")
    assert {one["do"] for one in json.loads(out)["changes"]} == {"keep"}


def test_nobody_is_there_to_be_asked(machine, tell):
    with pytest.raises(InputError, match="say --yes"):
        tell("head", "install")
    assert not machine.files


def test_each_question_has_an_answer_that_counts(machine, tell, answer, monkeypatch):
    monkeypatch.setattr(installing, "facts_of", lambda role, *_: facts(role, guard="ufw"))
    left = answer("n", "1", "y", "y")
    code, _, err = tell("head", "install")
    assert (code, left) == (0, [])
    assert "start by itself" not in err
    assert machine.rules
    assert not [path for path in machine.links if path.endswith(".service")]
    assert read_settings(folder_of("head")).node.cores == 1


def test_an_empty_answer_is_the_default(machine, tell, answer, monkeypatch):
    monkeypatch.setattr(installing, "facts_of", lambda role, *_: facts(role, guard="ufw"))
    answer("", "", "", "")
    assert tell("head", "install")[0] == 0
    assert not machine.rules
    assert [path for path in machine.links if path.endswith(".service")]
    assert read_settings(folder_of("head")).node.cores is None


def test_where_nothing_could_start_it_by_itself_nobody_is_asked_whether_it_should(machine, tell, answer, monkeypatch):
    monkeypatch.setattr(installing, "facts_of", lambda role, *_: facts(role, systemd=None))
    left = answer("1", "y")
    code, _, err = tell("head", "install")
    assert (code, left) == (0, [])
    assert "Start it by itself" not in err
    assert "systemd does not run this computer" in err


def test_who_says_no_gets_nothing_and_is_told_so(machine, tell, answer):
    answer("", "", "n")
    code, _, err = tell("head", "install")
    assert code == 1
    assert err.endswith("You said no: nothing was changed.\n")
    assert not machine.files


def test_a_number_of_cores_that_the_computer_has_not_is_asked_for_again(machine, tell, answer):
    left = answer("", "0", "-2", "1000000", "1", "y")
    code, _, err = tell("head", "install")
    assert (code, left, err.count("at least 1, at most")) == (0, [], 3)


def test_every_question_of_yes_or_no_is_asked_alike_until_it_is_answered(machine, tell, answer, monkeypatch):
    monkeypatch.setattr(installing, "facts_of", lambda role, *_: facts(role, guard="ufw"))
    left = answer("perhaps", "YES", "", "n", "y")
    code, _, err = tell("head", "install")
    assert (code, left, err.count("Please answer y or n")) == (0, [], 1)
    assert err.count("Start it by itself with the computer? [Y/n] ") == 2
    assert "in ufw? [y/N] " in err
    assert err.count("Go on? [Y/n] ") == 1


def test_where_nothing_is_missing_nobody_is_asked(machine, tell, answer):
    tell("head", "install", "--yes")
    answer()
    code, _, err = tell("head", "install")
    assert code == 0
    assert "nothing of it is missing" in err


@pytest.mark.parametrize("found", [None, "/usr/bin/bittrader"])
def test_who_cannot_call_it_by_its_name_is_told_what_to_type(machine, tell, monkeypatch, found):
    monkeypatch.setattr(installing.shutil, "which", lambda _: found)
    _, _, err = tell("head", "install", "--yes")
    assert (f"Type instead: {folder_of('head') / 'bin' / 'bittrader'}" in err) == (found is None)


def test_an_end_of_the_answers_is_no_defect(machine, tell, answer, monkeypatch):
    answer()

    def ended(*_):
        raise EOFError

    monkeypatch.setattr("builtins.input", ended)
    with pytest.raises(InputError, match="no answer came"):
        tell("head", "install")


def test_an_upgrade_asks_only_whether_to_go_on_and_keeps_what_was_wanted(machine, tell, answer, tmp_path):
    tell("head", "install", "--yes", "--no-start-at-login", "--cores", "1")
    set_key(folder_of("head"), "node.name", "desk")
    left = answer("y")
    code, _, err = tell("head", "install", "--environment", str(environment(tmp_path)))
    assert (code, left) == (0, [])
    assert "(again)" in err
    assert not [path for path in machine.links if path.endswith(".service")]
    assert read_settings(folder_of("head")).node.name == "desk"
    assert read_settings(folder_of("head")).node.cores == 1


def environment(folder: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    return folder


def test_the_old_environment_goes_once_the_new_one_is_at_work(machine, tell):
    old = environment(folder_of("head") / "envs" / "0.1.0-1")
    tell("head", "install", "--yes", "--environment", str(old))
    new = environment(folder_of("head") / "envs" / "0.2.0-2")
    machine.sick = {"restart"}
    with pytest.raises(InstallError):
        tell("head", "install", "--yes", "--environment", str(new))
    assert old.exists()
    machine.sick = set()
    tell("head", "install", "--yes", "--environment", str(new))
    assert (old.exists(), new.exists()) == (False, True)


def test_an_old_environment_stays_while_a_search_runs_from_it_and_goes_with_the_next_installation(machine, tell):
    old = environment(folder_of("head") / "envs" / "0.1.0-1")
    tell("head", "install", "--yes", "--environment", str(old))
    new = environment(folder_of("head") / "envs" / "0.2.0-2")
    with subprocess.Popen(
        [old / "bin" / "python", "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as search:
        _, _, err = tell("head", "install", "--yes", "--environment", str(new))
        assert f"Something still runs from {old}" in err
        assert old.exists()
        search.stdin.close()
    tell("head", "install", "--yes", "--environment", str(new))
    assert (old.exists(), new.exists()) == (False, True)


def test_an_environment_without_python_is_refused(machine, tell, tmp_path):
    with pytest.raises(InputError, match="is no Python environment"):
        tell("head", "install", "--yes", "--environment", str(tmp_path))


def test_a_failure_says_what_went_wrong_and_that_it_was_undone(machine, tell):
    machine.sick = {"restart"}
    with pytest.raises(InstallError, match=r"port 6379 is taken\. What was done before is undone\.$") as failed:
        tell("head", "install", "--yes")
    assert failed.value.exit_code == 1
    assert not machine.active
    assert not machine.links


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_a_service_that_does_not_begin_is_said_and_the_old_environment_stays(machine, tell, monkeypatch, how):
    old = environment(folder_of("head") / "envs" / "0.1.0-1")
    tell("head", "install", "--yes", "--environment", str(old))
    new = environment(folder_of("head") / "envs" / "0.2.0-2")
    monkeypatch.setattr(installing, "wait_until_up", lambda _role: False)
    with pytest.raises(InstallError, match="is installed, and has not begun yet: look at `bittrader head logs`"):
        tell("head", "install", "--yes", "--environment", str(new), *how)
    assert old.exists()


def test_a_daemon_that_was_started_by_hand_makes_way(machine, tell, monkeypatch):
    stopped = []
    monkeypatch.setattr(daemon, "running", lambda _role: object())
    monkeypatch.setattr(daemon, "stop", lambda role: stopped.append(role) or True)
    tell("head", "install", "--yes")
    assert stopped == ["head"]
    tell("head", "install", "--yes")
    assert stopped == ["head"]


@pytest.fixture
def by_hand(machine, monkeypatch):
    """A daemon that was started by hand; what is done to it."""
    done = []
    monkeypatch.setattr(daemon, "running", lambda _role: object() if done[-1:] != ["stop"] else None)
    monkeypatch.setattr(daemon, "stop", lambda _role: done.append("stop") or True)
    monkeypatch.setattr(daemon, "start_background", lambda _role: done.append("start") or 1)
    return done


def test_a_daemon_that_was_started_by_hand_runs_again_when_the_installation_fails(machine, tell, by_hand):
    machine.sick = {"restart"}
    with pytest.raises(InstallError, match=r"What was done before is undone\.$"):
        tell("head", "install", "--yes")
    assert by_hand == ["stop", "start"]


def test_a_daemon_started_by_hand_runs_again_where_no_service_takes_its_place(machine, tell, by_hand, monkeypatch):
    monkeypatch.setattr(installing, "facts_of", lambda role, *_: facts(role, systemd=None))
    _, _, err = tell("head", "install", "--yes")
    assert by_hand == ["stop", "start"]
    assert "runs again, in the background" in err
    assert "Start it:" not in err


def test_a_daemon_that_does_not_run_again_is_said_beside_what_failed(machine, tell, by_hand, monkeypatch, capsys):
    def fails(_role):
        raise ClusterError("port 6379 is taken")

    monkeypatch.setattr(daemon, "start_background", fails)
    machine.sick = {"restart"}
    with pytest.raises(InstallError, match="could not start"):
        tell("head", "install", "--yes")
    assert "was stopped, and does not start again: port 6379 is taken" in capsys.readouterr().err


def test_a_second_role_is_refused_before_anything_is_changed_and_one_that_is_there_can_be_upgraded(
    machine, tell, monkeypatch
):
    tell("head", "install", "--yes")
    before = machine.picture()
    monkeypatch.setattr(installing, "facts_of", lambda role, *_: facts(role, has_rival=True))
    with pytest.raises(InputError, match="this computer is a head already"):
        tell("worker", "install", "--yes", "--join", "CODE")
    assert machine.picture() == before
    assert not folder_of("worker").exists()
    assert tell("head", "install", "--yes")[0] == 0


def test_two_installations_at_once_do_not_meet(machine, tell):
    with alone(folder_of("head")), pytest.raises(InstallError, match="something else installs or removes"):
        tell("head", "install", "--yes")
    assert not machine.files
    tell("head", "install", "--yes")
    with alone(folder_of("head")), pytest.raises(InstallError, match="something else installs or removes"):
        tell("head", "uninstall", "--yes")
    assert machine.active


def test_an_installation_that_fails_leaves_no_folder(machine, tell):
    machine.sick = {"restart"}
    with pytest.raises(InstallError):
        tell("head", "install", "--yes")
    assert not folder_of("head").exists()


def test_a_second_head_code_is_made_only_while_nobody_has_joined(machine, tell, monkeypatch):
    tell("head", "install", "--yes")
    monkeypatch.setattr(installing.inviting, "members", lambda _folder: ("somebody",))
    assert tell("head", "install", "--yes")[1] == ""


def test_a_worker_needs_a_code_and_the_code_must_be_one(machine, tell):
    with pytest.raises(InputError, match="say --join CODE"):
        tell("worker", "install", "--yes")
    with pytest.raises(ClusterError, match="too short"):
        tell("worker", "install", "--yes", "--join", "ABC")
    assert not machine.files


@pytest.fixture
def joined(monkeypatch):
    """Joining works, and is written down; so does leaving."""
    codes = []
    monkeypatch.setattr(installing, "check_here", lambda _code: None)
    monkeypatch.setattr(joining, "leave_here", lambda: codes.append("left") or "")

    def join(code, name=None):
        codes.append((code, name))
        folder_of("worker").mkdir(parents=True, exist_ok=True)
        keep_contact(folder_of("worker"), Contact(("192.0.2.1",), 6380))
        return "air", "desk"

    monkeypatch.setattr(installing, "join_here", join)
    return codes


def test_a_worker_joins_and_is_installed(machine, tell, joined):
    _, _, err = tell("worker", "install", "--yes", "--join", "CODE")
    assert joined == [("CODE", None)]
    assert "air has joined the cluster of desk." in err
    assert machine.active == {"user bittrader-worker.service"}
    _, _, err = tell("worker", "install", "--yes", "--join", "CODE")
    assert joined == [("CODE", None)]
    assert "the code was not used" in err


def test_a_code_without_its_option_is_refused_and_not_shown(machine, tell):
    with pytest.raises(InputError, match="say --join CODE") as refused:
        tell("worker", "install", "04M2-S3CR3T", "--yes")
    assert "S3CR3T" not in str(refused.value)
    assert not machine.files


def test_a_code_in_the_variable_is_used_and_left_to_nobody_else(machine, tell, joined, monkeypatch):
    monkeypatch.setenv("BITTRADER_JOIN", "CODE")
    assert tell("worker", "install", "--yes")[0] == 0
    assert joined == [("CODE", None)]
    assert "BITTRADER_JOIN" not in os.environ


def test_a_code_is_asked_for_until_it_can_be_read(machine, tell, joined, answer, monkeypatch):
    def check(code):
        if code != "GOOD":
            raise ClusterError("this join code expired")

    monkeypatch.setattr(asking, "check_here", check)
    answer("BAD", "GOOD", "", "", "")
    _, _, err = tell("worker", "install")
    assert joined == [("GOOD", None)]
    assert "this join code expired" in err


def test_a_code_that_the_head_does_not_take_changes_nothing(machine, tell, joined, monkeypatch):
    def refuse(_code):
        raise ClusterError("this join code expired")

    monkeypatch.setattr(installing, "check_here", refuse)
    before = sorted(paths.home().rglob("*"))
    with pytest.raises(ClusterError, match="expired"):
        tell("worker", "install", "--yes", "--join", "CODE")
    assert (joined, machine.files, sorted(paths.home().rglob("*"))) == ([], {}, before)


def test_an_installation_that_fails_after_joining_leaves_the_cluster_and_the_settings(machine, tell, joined, capsys):
    machine.sick = {"restart"}
    with pytest.raises(InstallError, match=r"What was done before is undone\.$"):
        tell("worker", "install", "--yes", "--join", "CODE", "--cores", "1")
    assert joined == [("CODE", None), "left"]
    assert not has_joined()
    assert "taken back: join the cluster\n" in capsys.readouterr().err
    assert not folder_of("worker").exists()


def test_a_worker_that_had_joined_before_stays_in_its_cluster_and_keeps_its_settings(machine, tell, joined):
    tell("worker", "install", "--yes", "--join", "CODE", "--cores", "1")
    before = (folder_of("worker") / "config.toml").read_text()
    machine.sick = {"restart"}
    with pytest.raises(InstallError):
        tell("worker", "install", "--yes", "--scope", "system", "--cores", "2")
    assert joined == [("CODE", None)]
    assert has_joined()
    assert (folder_of("worker") / "config.toml").read_text() == before


@pytest.mark.parametrize("why", ["", "the head cannot be reached"])
def test_who_removes_a_worker_has_its_head_forget_it_or_hears_how_to(machine, tell, joined, monkeypatch, why):
    tell("worker", "install", "--yes", "--join", "CODE")
    monkeypatch.setattr(uninstalling, "leave_here", lambda: joined.append("left") or why)
    code, _, err = tell("worker", "uninstall", "--yes")
    assert (code, joined) == (0, [("CODE", None), "left"])
    assert ("the head cannot be reached. There: bittrader head revoke NAME" in err) == bool(why)


def test_the_heads_address_of_config_env_is_tried_first(monkeypatch):
    invite = Invite(("100.64.0.7", "192.168.1.20"), 6380, bytes(16), bytes(10))
    folder = folder_of("worker")
    folder.mkdir(parents=True)
    (folder / "config.env").write_text('export HEAD_ADDRESS="192.0.2.77"  # the desk\nNUM_CPUS=2\n')
    met = []
    monkeypatch.setattr(joining, "read_code", lambda _code: invite)
    monkeypatch.setattr(joining, "join", lambda _folder, invite, *_: met.append(invite.addresses) or Head())
    assert joining.join_here("CODE", "air") == ("air", "desk")
    assert met == [("192.0.2.77", *invite.addresses)]
    assert read_settings(folder).node.cores == 2


class Head:
    head = "desk"


def test_a_head_address_that_is_none_is_refused():
    with pytest.raises(InputError, match=r"config.env: HEAD_ADDRESS is an IPv4 address as in 192.168.1.20, not 'desk'"):
        joining.head_address("HEAD_ADDRESS=desk\n", "config.env")
    assert joining.head_address("NUM_CPUS=2\n", "config.env") == ""


def test_who_joins_anew_starts_the_service_and_is_told_so(machine, tell, joined, monkeypatch):
    tell("worker", "install", "--yes", "--join", "CODE")
    machine.active.clear()
    monkeypatch.setattr(worker, "join_here", installing.join_here)
    code, _, err = tell("worker", "join", "CODE")
    assert (code, bool(machine.active)) == (0, True)
    assert err.endswith("The worker runs as a service. See how it is: bittrader worker status\n")


def test_what_was_installed_starts_as_a_service(machine, tell):
    tell("head", "install", "--yes")
    with pytest.raises(ClusterError, match="a daemon is running already"):
        tell("head", "start", "--background")
    machine.active.clear()
    code, _, err = tell("head", "start", "--background")
    assert (code, err) == (0, "The head runs as a service. See how it is: bittrader head status\n")
    assert machine.active


def test_verify_asks_each_change_of_the_receipt(machine, tell):
    identity(folder_of("head"), "head", "desk")
    tell("head", "install", "--yes")
    machine.links.clear()
    code, out, _ = tell("head", "verify", "--json")
    words = [one["words"] for one in json.loads(out)["findings"] if one["what"] == "Installation"]
    assert code == 1
    assert all(one.startswith("it is no longer so: link ") for one in words)
    assert len(words) == 2


def test_verify_of_a_node_that_is_installed_and_was_never_started_says_that(machine, tell, monkeypatch):
    monkeypatch.setattr(installing, "facts_of", lambda role, *_: facts(role, systemd=None))
    tell("head", "install", "--yes")
    code, out, _ = tell("head", "verify", "--json")
    first, *rest = json.loads(out)["findings"]
    assert (code, first["words"], first["advice"]) == (1, "it was never started", "bittrader head start --background")
    assert [one["words"] for one in rest] == ["all 2 changes of the receipt hold"]


@pytest.fixture
def installed(machine, tell):
    """A head with a study, a report and what its Ray left."""
    tell("head", "install", "--yes")
    identity(folder_of("head"), "head", "desk")
    of_ray = tuple(removal._of_ray(folder_of("head")))
    for folder in (paths.studies_dir(), paths.reports_dir(), paths.home() / "code", *of_ray):
        folder.mkdir(parents=True)
        (folder / "something").write_text("something")
    yield machine
    removal.remove(removal.Removal(tuple(one for one in of_ray if one.exists())))


def test_a_node_that_is_uninstalled_goes_and_studies_stay(installed, tell):
    of_ray = list(removal._of_ray(folder_of("head")))
    code, out, err = tell("head", "uninstall", "--yes")
    assert (code, out) == (0, "")
    assert "The head is removed." in err
    assert f"Kept: {paths.studies_dir()}, {paths.reports_dir()}" in err
    assert not installed.active
    assert not installed.links
    assert set(installed.files) == {str(folder_of("head") / "receipt.json")}  # its folder is on the real disk
    assert sorted(path.name for path in paths.home().iterdir()) == ["reports", "studies"]
    assert not [one for one in of_ray if one.exists()]


def test_studies_go_when_that_is_said(installed, tell):
    assert tell("head", "uninstall", "--yes", "--delete-studies")[0] == 0
    assert not paths.home().exists()


def test_a_study_that_runs_is_not_deleted_under_its_feet(installed, tell):
    study = shelf.path_of("first")
    study.touch()
    writer = WriterLock(study)
    with pytest.raises(StudyRunningError, match="the study first is running in another process"):
        tell("head", "uninstall", "--yes", "--delete-studies")
    assert study.exists()
    assert folder_of("head").exists()
    assert installed.files
    assert tell("head", "uninstall", "--yes")[0] == 0
    writer.release()
    assert study.exists()


def test_code_that_the_other_role_needs_stays(installed, tell):
    folder_of("worker").mkdir()
    tell("head", "uninstall", "--yes")
    assert sorted(path.name for path in paths.home().iterdir()) == ["code", "reports", "studies", "worker"]


def test_a_dry_removal_removes_nothing(installed, tell):
    before = installed.picture()
    code, _, err = tell("head", "uninstall", "--dry-run")
    assert code == 0
    assert "stop bittrader-head.service" in err
    assert "is removed" not in err
    assert installed.picture() == before
    assert folder_of("head").exists()


def test_who_removes_is_asked(installed, tell, answer):
    answer("n", "n")
    before = installed.picture()
    code, _, err = tell("head", "uninstall")
    assert (code, installed.picture()) == (1, before)
    assert "is another head: every worker must join it, with a new code" in err
    assert err.endswith("You said no: nothing was changed.\n")
    assert paths.studies_dir().exists()
    answer("n", "y")
    assert tell("head", "uninstall")[0] == 0
    assert not paths.home().exists()


def test_nobody_is_there_to_be_asked_whether_to_remove(installed, tell):
    with pytest.raises(InputError, match="say --yes"):
        tell("head", "uninstall")
    assert installed.active


def test_what_cannot_be_removed_is_said_and_can_be_tried_again(installed, tell):
    installed.sick = {"disable-linger"}
    code, _, err = tell("head", "uninstall", "--yes")
    assert code == 1
    assert "The head is not removed altogether." in err
    assert "Left: let services of ana end when they log out" in err
    assert folder_of("head").exists()
    assert str(folder_of("head") / "bin" / "bittrader") in installed.files
    installed.sick = set()
    assert tell("head", "uninstall", "--yes")[0] == 0
    assert not folder_of("head").exists()


def test_a_damaged_receipt_of_the_other_role_keeps_nothing_from_going(installed, tell):
    installed.files[str(folder_of("worker") / "receipt.json")] = "{"
    assert tell("head", "uninstall", "--yes")[0] == 0
    assert not folder_of("head").exists()
    assert not installed.active


def test_a_disk_too_full_for_a_wish_keeps_nothing_from_going(installed, tell, monkeypatch):
    def full(_role):
        raise OSError(28, "No space left on device", "wishes.json")

    monkeypatch.setattr(daemon, "stop", full)
    assert tell("head", "uninstall", "--yes")[0] == 0
    assert not folder_of("head").exists()


def test_where_nothing_is_installed_nothing_is_removed(machine, tell):
    assert tell("worker", "uninstall", "--yes") == (0, "", "No worker is installed here.\n")
    assert json.loads(tell("worker", "uninstall", "--dry-run", "--json")[1])["dry_run"]


def test_what_is_half_gone_already_goes_too(installed, tell):
    installed.files.clear()
    installed.links.clear()
    assert tell("head", "uninstall", "--yes")[0] == 0
    assert not folder_of("head").exists()
