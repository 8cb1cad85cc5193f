"""What an owner is told who asks a node for something, in the right order or the wrong one."""

from __future__ import annotations

import json
import os
import re
import time

import pytest
from installers.contents import PACKAGES

from bittrader import host
from bittrader.cli.placing import node_folder
from bittrader.cluster import daemon, inviting
from bittrader.cluster.config_file import set_key
from bittrader.cluster.identity import folder_of, identity
from bittrader.cluster.invite import decode, read_code
from bittrader.cluster.members import Members
from bittrader.cluster.policy import NodePolicy
from bittrader.cluster.secrets import MEMBERS, Secrets
from bittrader.cluster.visit import Contact, keep_contact
from bittrader.errors import ClusterError, InputError


@pytest.fixture
def only_a_head_runs(monkeypatch):
    """This computer is a head, and its daemon answers."""
    identity(folder_of("head"), "head", "desk")
    monkeypatch.setattr(daemon, "running", lambda role: object() if role == "head" else None)


@pytest.mark.parametrize("words", [("head",), ("head", "policy"), ("worker", "config")])
def test_a_noun_that_stands_alone_prints_its_help(say, words):
    code, said = say(*words)
    assert code == 0
    assert f"Usage: bittrader {' '.join(words)}" in said


def test_who_invites_before_the_head_runs_is_told_so(say):
    code, said = say("head", "invite")
    assert code == 0
    assert "nobody can join before `bittrader head start --background`" in said


@pytest.mark.usefixtures("only_a_head_runs")
def test_who_invites_is_told_both_ways_to_use_the_code(say):
    said = say("head", "invite")[1]
    code = said.split()[0]
    assert f"bittrader worker join {code}" in said
    scripts = {name for package in PACKAGES[1:] for name in package.files if name.startswith("install.")}
    assert scripts == {"install.sh", "install.ps1"}
    assert all(f" {name}" in said for name in scripts)


@pytest.mark.usefixtures("only_a_head_runs")
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights of files")
def test_a_file_with_a_code_is_its_owners_alone_also_where_there_was_one_that_all_could_read(say, tmp_path):
    file = tmp_path / "code.txt"
    file.write_text("an old one")
    file.chmod(0o644)
    assert say("head", "invite", "--file", str(file))[0] == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_code(str(file)).port == 6380


@pytest.mark.usefixtures("only_a_head_runs")
def test_who_invites_while_the_head_runs_is_not(say):
    assert "The head does not run" not in say("head", "invite")[1]


@pytest.mark.usefixtures("only_a_head_runs")
def test_the_status_of_the_role_that_a_computer_has_not_leads_to_the_one_it_has(say):
    assert say("worker", "status") == (1, "This computer is no worker, but a head: bittrader head status\n")


@pytest.mark.parametrize("words", [("start",), ("start", "--background")])
def test_a_worker_of_a_cluster_is_not_made_a_head_as_well(say, words):
    folder_of("worker").mkdir()
    keep_contact(folder_of("worker"), Contact(("192.0.2.1",), 6380))
    with pytest.raises(InputError, match=r"this computer is a worker already.*: bittrader worker uninstall"):
        say("head", *words)
    assert not folder_of("head").exists()


@pytest.mark.usefixtures("only_a_head_runs")
@pytest.mark.parametrize("words", [("join", "CODE"), ("start",)])
def test_a_head_is_not_made_a_worker_as_well(say, words):
    with pytest.raises(InputError, match=r"this computer is a head already.*: bittrader head uninstall"):
        say("worker", *words)
    assert not folder_of("worker").exists()


def test_the_status_of_a_node_that_stands_still_says_how_to_start_it(say):
    identity(folder_of("head"), "head", "desk")
    begin = "bittrader head start --background"
    assert say("head", "status") == (1, f"The head does not run here. Start it: {begin}\n")


def test_the_status_of_a_worker_that_never_got_into_a_cluster_says_how_to_join(say):
    told = (1, "This computer is in no cluster: bittrader worker join CODE\n")
    assert say("worker", "status") == told
    identity(folder_of("worker"), "worker", "air")
    assert say("worker", "status") == told


def damage_what_says_where_the_head_is():
    folder_of("worker").mkdir()
    (folder_of("worker") / "meeting.json").write_text("{")


def test_a_worker_whose_file_of_the_head_is_damaged_is_told_which_one_and_not_that_it_is_in_no_cluster(say):
    damage_what_says_where_the_head_is()
    code, said = say("worker", "status")
    assert code == 1
    assert said.startswith(f"The worker does not run here: {folder_of('worker') / 'meeting.json'} cannot be read: ")
    assert said.endswith("Join again, with a new code\n")


def test_who_searches_on_the_cluster_is_told_what_is_damaged_too():
    damage_what_says_where_the_head_is()
    with pytest.raises(ClusterError, match=r"meeting\.json cannot be read: .*Join again, with a new code"):
        node_folder()


@pytest.mark.parametrize("role", ["head", "worker"])
def test_who_searches_on_the_cluster_is_told_that_the_node_does_not_run(role):
    folder_of(role).mkdir()
    identity(folder_of(role), role, "desk")
    if role == "worker":
        keep_contact(folder_of(role), Contact(("192.0.2.1",), 6380))
    with pytest.raises(ClusterError, match=f"the node of this computer does not run: bittrader {role} start"):
        node_folder()


def test_a_node_that_runs_is_the_one_to_search_by_whatever_became_of_its_files(monkeypatch):
    damage_what_says_where_the_head_is()
    monkeypatch.setattr(daemon, "running", lambda role: object() if role == "worker" else None)
    assert node_folder() == folder_of("worker")


@pytest.mark.parametrize("words", [("start",), ("start", "--background"), ("pause",), ("resume",), ("cores", "1")])
def test_a_worker_that_never_joined_is_refused_before_anything_is_made(say, words):
    with pytest.raises(ClusterError, match="bittrader worker join CODE"):
        say("worker", *words)
    assert not folder_of("worker").exists()


def test_a_worker_whose_joining_failed_is_not_paused(say):
    identity(folder_of("worker"), "worker", "air")
    with pytest.raises(ClusterError, match="in no cluster: `bittrader worker join CODE`"):
        say("worker", "pause")


def test_cores_that_are_asked_for_during_a_pause_wait_for_its_end(say):
    identity(folder_of("head"), "head", "desk")
    assert "the pause comes first" not in say("head", "cores", "1")[1]
    say("head", "pause", "1h")
    assert "1 core until you resume the policy, but the pause comes first" in say("head", "cores", "1")[1]
    say("head", "resume")
    assert "the pause comes first" not in say("head", "cores", "0")[1]


def test_more_cores_than_there_are_are_refused_and_fewer_than_none(say):
    identity(folder_of("head"), "head", "desk")
    total = host.current().total_cores()
    for number in (total + 1, -3):
        with pytest.raises(InputError, match=f"this computer has {total} cores?: ask for 0 to {total}"):
            say("head", "cores", str(number))
    assert not (folder_of("head") / "wishes.json").exists()
    assert say("head", "cores", str(total))[0] == 0


def test_an_unknown_key_of_the_policy_names_the_whole_command_that_shows_all(say):
    with pytest.raises(InputError, match="All it has: bittrader worker policy show"):
        say("worker", "policy", "set", "nonsense", "1")


def test_settings_as_json_are_what_a_program_reckons_with(say):
    set_key(folder_of("worker"), "policy.battery_floor", "0.25")
    facts = json.loads(say("worker", "policy", "show", "--json")[1])
    assert facts == {f"policy.{key}": value for key, value in vars(NodePolicy(battery_floor=0.25)).items()} | {
        "policy.hours": []
    }
    everything = json.loads(say("worker", "config", "show", "--json")[1])
    assert everything.items() >= facts.items()
    assert (everything["node.cores"], everything["network.mode"], everything["network.ports.gcs"]) == (
        None,
        "auto",
        6379,
    )


def test_a_url_to_tell_by_is_as_secret_in_json(say):
    set_key(folder_of("head"), "notify.urls", "tgram://123:s3cr3t/me")
    assert json.loads(say("head", "notify", "--json")[1])["notify.urls"] == ["tgram://…"]


def test_the_policy_is_shown_to_people_as_they_write_it(say):
    said = say("worker", "policy", "show")[1]
    assert re.search(r"away_cores +\(not set\)", said)
    assert re.search(r"yield_to_others +true", said)


@pytest.mark.parametrize(("words", "why"), [
    (("policy", "set", "active_cores", "-3"), "policy.active_cores is 0 or more, not -3"),
    (("policy", "set", "active_cores", "--many"), "there is no option --many"),
    (("config", "set", "node.name", "-x"), "there is no option -x"),
    (("config", "set", "--jsno", "x"), "there is no option --jsno"),
    (("config", "set", "policy.battery_floor", "-0.5"), "policy.battery_floor is a share from 0 to 1, not -0.5"),
])  # fmt: skip
def test_a_value_with_a_minus_is_refused_by_its_setting_and_is_no_option(say, words, why):
    with pytest.raises(InputError, match=why):
        say("worker", *words)
    assert not (folder_of("worker") / "config.toml").exists()


def test_a_used_code_says_who_used_it(say):
    folder, now = folder_of("head"), time.time()
    made = inviting.invite(folder, ["127.0.0.1"], 6380, now, "macbook-air")
    Members(Secrets(folder).path(MEMBERS)).admit(decode(made.code).secret.hex(), "ab" * 8, "mini", now)
    assert "code, used by mini" in say("head", "invites")[1]
    assert json.loads(say("head", "invites", "--json")[1])["codes"][0]["state"] == "used"
