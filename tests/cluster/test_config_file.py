"""One setting at a time is changed in the owner's file, and nothing else."""

from __future__ import annotations

import os
import stat
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster.config_file import changed, in_words, set_key, shown, toml_value, typed
from bittrader.cluster.settings import Settings, parse_settings, read_settings
from bittrader.errors import InputError

MINE = """\
# The laptop in the kitchen.
[policy]  # gentle
active_cores = 1   # one is enough
hours = [
    "20:00-08:00",  # at night
]

[node]
name = "kitchen # 1"  # not the attic
"""


def test_a_value_is_changed_where_it_stands_and_its_comment_stays():
    after = changed(MINE, "policy.active_cores", 3)
    assert after == MINE.replace("active_cores = 1   #", "active_cores = 3   #")


def test_a_sharp_within_quotes_is_no_comment():
    assert 'name = "attic"  # not the attic\n' in changed(MINE, "node.name", "attic")


def test_a_new_value_goes_below_its_sections_last():
    assert changed(MINE, "policy.hot_share", 0.25) == MINE.replace("]\n\n[node]", "]\nhot_share = 0.25\n\n[node]")


@pytest.mark.parametrize("text", ["", MINE, "[policy]", "# nothing\n", "[policy]\n[node]\n"])
def test_a_new_section_goes_to_the_end(text):
    after = changed(text, "network.ports.gcs", 7000)
    assert after.startswith(text)
    assert after.endswith("[network.ports]\ngcs = 7000\n")
    assert tomllib.loads(after) == tomllib.loads(text) | {"network": {"ports": {"gcs": 7000}}}


def test_a_value_is_taken_out_with_its_line():
    assert changed(MINE, "policy.active_cores", None) == MINE.replace("active_cores = 1   # one is enough\n", "")
    assert changed(MINE, "policy.hot_share", None) == MINE


def test_only_a_line_feed_ends_a_line():
    text = 'name = "a\u2028b"  # a\x85b\n'
    assert changed(f"[node]\n{text}", "node.cores", 2) == f"[node]\n{text}cores = 2\n"
    assert changed(f"[node]\n{text}", "node.name", "c") == '[node]\nname = "c"  # a\x85b\n'


def test_the_line_endings_of_windows_stay():
    text = MINE.replace("\n", "\r\n")
    assert changed(text, "policy.active_cores", 3) == text.replace("= 1 ", "= 3 ")
    assert changed(text, "code.folder", "x").endswith('\r\n[code]\r\nfolder = "x"\r\n')


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("policy.active_cores = 1\n", "policy.active_cores", 3),
        ("policy.active_cores = 1\n", "policy.active_cores", None),
        ("policy = {active_cores = 1}\n", "policy.hot_share", 0.25),
        ("[ 'policy' ]\nactive_cores = 1\n", "policy.hot_share", 0.25),
        (MINE, "policy.hours", ("20:00-21:00",)),
        ('[code]\nfolder = """\n[policy]\n"""\n', "policy.active_cores", 1),
    ],
    ids=["dotted", "dotted out", "inline", "quoted", "several lines", "several lines of text"],
)
def test_a_file_that_we_cannot_change_safely_is_left_to_its_owner(text, key, value):
    with pytest.raises(InputError, match=f"only you can change: set {key} in it by hand"):
        changed(text, key, value)


VALUES = {
    "node.name": st.text(),
    "policy.active_cores": st.integers(0, 99),
    "policy.hours": st.lists(st.text(), max_size=3).map(tuple),
    "policy.yield_to_others": st.booleans(),
    "policy.hot_share": st.floats(0, 1),
    "code.folder": st.text(),
}
assignments = st.sampled_from(sorted(VALUES)).flatmap(lambda key: st.tuples(st.just(key), st.none() | VALUES[key]))


@given(st.lists(assignments, max_size=8))
def test_whatever_was_set_before_the_last_said_is_in_the_file_and_the_comments_are_too(said):
    text, expected = "# mine\n[node]  # this one\n", {}
    for key, value in said:
        text = changed(text, key, value)
        expected[key] = value
    facts = tomllib.loads(text)
    for key, value in expected.items():
        section, name = key.split(".")
        found = facts.get(section, {}).get(name)
        assert (tuple(found) if isinstance(found, list) else found) == value
    assert text.startswith("# mine\n[node]  # this one\n")


@pytest.mark.parametrize(
    ("key", "said", "value"),
    [
        ("policy.active_cores", "3", 3),
        ("node.cores", "4", 4),
        ("policy.hot_share", "0.25", 0.25),
        ("policy.yield_to_others", "no", False),
        ("policy.hours", "20:00-08:00, 12:00-13:00", ("20:00-08:00", "12:00-13:00")),
        ("network.mode", "lan", "lan"),
        ("node.name", "7", "7"),
    ],
)
def test_what_is_said_on_the_command_line_gets_the_settings_type(key, said, value):
    assert typed(key, said) == value


def test_what_is_set_is_read_again(tmp_path):
    set_key(tmp_path / "new", "policy.active_cores", "3")
    set_key(tmp_path / "new", "policy.hours", "20:00-08:00")
    set_key(tmp_path / "new", "policy.active_cores", None)
    assert (tmp_path / "new" / "config.toml").read_text() == '[policy]\nhours = ["20:00-08:00"]\n'
    assert read_settings(tmp_path / "new").policy.hours == ("20:00-08:00",)


@pytest.mark.parametrize(
    ("key", "said", "words"),
    [
        ("policy.active_cores", "two", "policy.active_cores is a whole number, not 'two'"),
        ("policy.hot_share", "much", "policy.hot_share is a number, not 'much'"),
        ("policy.hot_share", "50", "policy.hot_share is a share from 0 to 1, not 50"),
        ("policy.yield_to_others", "maybe", "policy.yield_to_others is true or false, not 'maybe'"),
        ("network.mode", "wifi", "network.mode is one of auto, tailscale, lan"),
        ("policy.activ_cores", "2", "Did you mean 'policy.active_cores'"),
    ],
)
def test_what_cannot_be_set_leaves_the_file_as_it_was(tmp_path, key, said, words):
    (tmp_path / "config.toml").write_text(MINE)
    with pytest.raises(InputError) as refused:
        set_key(tmp_path, key, said)
    assert words in str(refused.value)
    assert (tmp_path / "config.toml").read_text() == MINE


def test_a_file_that_is_wrong_already_is_not_written_to(tmp_path):
    (tmp_path / "config.toml").write_text("[polcy]\n")
    with pytest.raises(InputError, match="Did you mean 'policy'"):
        set_key(tmp_path, "policy.active_cores", "2")
    assert (tmp_path / "config.toml").read_text() == "[polcy]\n"


def test_a_place_that_cannot_be_written_to_is_told_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"^cannot (read|write) .*config\.toml: Not a directory\.$"):
        set_key(tmp_path / "file", "policy.active_cores", "2")


SECRET_URL = "tgram://123:s3cr3t/me?a=1,2"


def test_a_url_to_tell_by_is_kept_from_others_and_never_shown(tmp_path):
    (tmp_path / "config.toml").write_text(MINE)
    (tmp_path / "config.toml").chmod(0o644)
    set_key(tmp_path, "notify.urls", f"{SECRET_URL}, json://127.0.0.1/x")
    assert read_settings(tmp_path).notify.urls == (SECRET_URL, "json://127.0.0.1/x")
    lines = {key: (value, is_default) for key, value, is_default in shown(read_settings(tmp_path))}
    assert lines["notify.urls"] == (("tgram://…", "json://…"), False)
    assert "s3cr3t" not in repr(read_settings(tmp_path))
    if hasattr(os, "getuid"):
        assert stat.S_IMODE((tmp_path / "config.toml").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('urls = "tgram://s3cr3t/me"', "notify.urls is a list of texts"),
        ('urls = ["s3cr3t"]', "notify.urls: number 1 is no URL"),
        ('events = ["joind"]', "Did you mean 'joined'"),
        ("most_an_hour = 0", "most_an_hour is 1 to 60, not 0"),
    ],
)
def test_what_is_wrong_with_who_is_told_is_said_without_the_secret(text, words):
    with pytest.raises(InputError) as refused:
        parse_settings(f"[notify]\n{text}\n")
    assert words in str(refused.value)
    assert "s3cr3t" not in str(refused.value)


def test_all_settings_can_be_shown():
    lines = {key: (in_words(value), is_default) for key, value, is_default in shown(Settings())}
    assert lines["policy.active_cores"] == ("2", True)
    assert lines["node.cores"] == ("(not set)", True)
    assert lines["network.mode"] == ('"auto"', True)
    assert lines["policy.hours"] == ("[]", True)


@given(st.text() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_value_is_written_so_that_toml_reads_the_same(value):
    assert tomllib.loads(f"value = {toml_value(value)}") == {"value": value}
