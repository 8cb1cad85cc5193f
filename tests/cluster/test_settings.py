"""The owner's settings: defaults, every key checked, and one clear line for what is wrong."""

from __future__ import annotations

import pytest

from bittrader.cluster.policy import NodePolicy
from bittrader.cluster.sections import keys
from bittrader.cluster.settings import (
    Node,
    Settings,
    parse_num_cpus,
    parse_settings,
    read_settings,
    require_key,
    value_of,
)
from bittrader.errors import InputError

FULL = """
[node]
name = "attic"
cores = 6

[policy]
active_cores = 1
battery_floor = 0.5
mains_seconds = 60
yield_to_others = false
hours = ["20:00-08:00", "12:30-13:30"]

[network]
mode = "lan"
address = "192.168.1.20"

[network.ports]
gcs = 7379

[code]
folder = "~/Strategies"

[logs]
size_mb = 2.5
keep = 3

[health]
failures = 8
"""


def test_no_file_means_the_defaults(tmp_path):
    assert read_settings(tmp_path) == Settings()


def test_what_the_file_says_is_set_and_the_rest_is_as_ever(tmp_path):
    (tmp_path / "config.toml").write_text(FULL)
    settings = read_settings(tmp_path)
    assert settings.node == Node("attic", 6)
    assert settings.policy == NodePolicy(
        active_cores=1, battery_floor=0.5, mains_seconds=60.0, yield_to_others=False,
        hours=("20:00-08:00", "12:30-13:30"),
    )  # fmt: skip
    assert (settings.network.mode, settings.network.ports.gcs, settings.network.ports.meeting) == ("lan", 7379, 6380)
    assert (settings.code.folder, settings.logs.size_mb, settings.health.failures) == ("~/Strategies", 2.5, 8)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[polcy]", "there is no setting 'polcy'. Did you mean 'policy'?"),
        ("[policy]\nactiv_cores = 2", "there is no setting 'policy.activ_cores'. Did you mean 'active_cores'?"),
        ("[node]\nactive_cores = 2", "there is no setting 'node.active_cores'. It belongs to [policy]."),
        ("active_cores = 2", "there is no setting 'active_cores'. It belongs to [policy]."),
        ("[node]\nzzz = 2", "there is no setting 'node.zzz'. Here are name, cores."),
        ("policy = 2", "policy is a table, written [policy]."),
        ('[policy]\nactive_cores = "2"', "policy.active_cores is a whole number, not '2'."),
        ("[policy]\nactive_cores = 2.5", "policy.active_cores is a whole number, not 2.5."),
        ("[policy]\nactive_cores = true", "policy.active_cores is a whole number, not true."),
        ("[policy]\nactive_cores = -1", "policy.active_cores is 0 or more, not -1."),
        ("[policy]\nyield_to_others = 1", "policy.yield_to_others is true or false, not 1."),
        ("[policy]\nbattery_floor = 40", "policy.battery_floor is a share from 0 to 1, not 40."),
        ("[policy]\nbattery_floor = nan", "policy.battery_floor is a number, not nan."),
        ('[policy]\nhours = "20-8"', "policy.hours is a list of texts, as in [\"20:00-08:00\"], not '20-8'."),
        ("[node]\ncores = 0", "node.cores is at least 1, not 0; to keep a node from working, pause it."),
        ('[node]\nname = "two\\nlines"', "node.name is one line of at most 80 characters, not 'two\\nlines'."),
        (f'[node]\nname = "{"x" * 81}"', "node.name is one line of at most 80 characters"),
        ("[node]\nname = 7", "node.name is a text in quotes, not 7."),
        ('[network]\nmode = "wifi"', "network.mode is one of auto, tailscale, lan, not 'wifi'."),
        ('[network]\naddress = "fe80::1"', "network.address is an IPv4 address as in 192.168.1.20, not 'fe80::1'."),
        ("[network.ports]\ngcs = 80", "network.ports.gcs is a port from 1024 to 65535, not 80."),
        ("[network.ports]\ngcs = 6380", "network.ports.gcs and meeting are both 6380."),
        ("[network.ports]\ngcs = 20050", "network.ports.gcs = 20050 is among the ports of the workers."),
        ("[network.ports]\nfirst_worker = 30000", "first_worker = 30000 comes after last_worker = 20099."),
        ("[logs]\nsize_mb = 0", "logs.size_mb is at least 0.1, not 0."),
        ("[logs]\nkeep = -1", "logs.keep is a number of files from 0 to 100, not -1."),
        ("[health]\ntimeout_seconds = 0", "health.timeout_seconds is 0.1 to 600, not 0."),
        ("[health]\nfailures = 0", "health.failures is 1 to 100, not 0."),
        ("[node", "(at end of document)."),
        ("[logs]\nkeep = 1" + "0" * 5_000, "config.toml: "),
    ],
)
def test_what_is_no_setting_is_refused_in_one_line_with_its_place(text, words, tmp_path):
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(InputError) as refused:
        read_settings(tmp_path)
    assert str(refused.value).startswith(f"{tmp_path / 'config.toml'}: ")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"cannot read .*config\.toml"):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("", None),
        ("NUM_CPUS=4\n", 4),
        ("# cores\nexport NUM_CPUS = '4'  # gentle\nOTHER=x\n", 4),
        ('NUM_CPUS=2\nNUM_CPUS="3"\n', 3),
        ("NUM_CPUS=\n", None),
        ("#NUM_CPUS=4\n", None),
    ],
)
def test_the_number_of_cores_may_stand_in_config_env(text, cores):
    assert parse_num_cpus(text) == cores


@pytest.mark.parametrize("text", ["NUM_CPUS=0", "NUM_CPUS=all", "NUM_CPUS=2.5", "NUM_CPUS=-1", "NUM_CPUS=²"])
def test_what_is_no_number_of_cores_is_refused(text):
    with pytest.raises(InputError, match=r"^config\.env: NUM_CPUS is a number of cores, 1 or more, not "):
        parse_num_cpus(text)


def test_config_env_is_honoured_and_config_toml_comes_first(tmp_path):
    (tmp_path / "config.env").write_text("NUM_CPUS=4\n")
    assert read_settings(tmp_path).node.cores == 4
    (tmp_path / "config.toml").write_text('[node]\nname = "attic"\n')
    assert read_settings(tmp_path).node == Node("attic", 4)
    (tmp_path / "config.toml").write_text("[node]\ncores = 6\n")
    assert read_settings(tmp_path).node.cores == 6


def test_the_policy_stays_within_the_cores_of_the_node():
    assert parse_settings("[node]\ncores = 1").node_policy == NodePolicy(active_cores=1, away_cores=1)
    assert parse_settings("[node]\ncores = 6\n[policy]\naway_cores = 4").node_policy == NodePolicy(away_cores=4)
    assert parse_settings("").node_policy == NodePolicy()


def test_a_node_without_a_name_has_the_computers():
    assert Node().shown_name
    assert "." not in Node().shown_name
    assert Node("attic").shown_name == "attic"


def test_every_setting_can_be_asked_by_its_key():
    assert {key: value_of(Settings(), key) for key, _ in keys(Settings)}["network.ports.gcs"] == 6379


@pytest.mark.parametrize(
    ("key", "hint"),
    [("policy.activecores", "Did you mean 'policy.active_cores'"), ("gcs", "Did you mean 'network.ports.gcs'"),
     ("logs", "It is a section, with size_mb, keep."), ("zzz", "The sections are node, policy, network, code")],
)  # fmt: skip
def test_a_key_that_is_none_is_met_with_the_one_that_was_meant(key, hint):
    with pytest.raises(InputError, match=hint):
        require_key(key)
