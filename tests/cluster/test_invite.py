from __future__ import annotations

import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster.invite import (
    FINGERPRINT_BYTES,
    LETTERS,
    SECRET_BYTES,
    Invite,
    _check,
    _remainder,
    _times,
    as_file,
    decode,
    encode,
    read_code,
)
from bittrader.errors import ClusterError

INVITES = st.builds(
    Invite,
    addresses=st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=4).map(tuple),
    port=st.integers(1, 65535),
    fingerprint=st.binary(min_size=FINGERPRINT_BYTES, max_size=FINGERPRINT_BYTES),
    secret=st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES),
)
ONE = Invite(("100.64.0.7", "192.168.1.20"), 6380, bytes(range(16)), bytes(range(100, 110)))


@given(INVITES)
def test_a_code_says_what_was_put_into_it(invite: Invite) -> None:
    assert decode(encode(invite)) == invite


@given(INVITES, st.sampled_from([" ", "\n", "\u2013", "  ", "_", ".", ""]))
def test_a_code_is_read_however_it_was_written_down(invite: Invite, between: str) -> None:
    code = encode(invite).replace("-", between).replace("0", "O").replace("1", "l")
    assert decode(code) == decode(code.lower()) == invite


@given(INVITES, st.sampled_from(["bittrader worker join ", "  bittrader  worker join\n"]))
def test_a_code_is_read_in_the_line_that_the_head_prints(invite: Invite, before: str) -> None:
    assert decode(f"{before}{encode(invite)}\n") == invite


@given(INVITES, st.data())
def test_up_to_four_damaged_characters_are_noticed(invite: Invite, data: st.DataObject) -> None:
    letters = list(encode(invite).replace("-", ""))
    for place in data.draw(st.sets(st.integers(0, len(letters) - 1), min_size=1, max_size=4)):
        letters[place] = data.draw(st.sampled_from([letter for letter in LETTERS if letter != letters[place]]))
    with pytest.raises(ClusterError, match=r"damaged|too short|too long"):
        decode("".join(letters))


@given(INVITES, st.data())
def test_two_swapped_characters_are_noticed_wherever_they_are(invite: Invite, data: st.DataObject) -> None:
    letters = list(encode(invite).replace("-", ""))
    different = [(a, b) for a, b in combinations(range(len(letters)), 2) if letters[a] != letters[b]]
    one, other = data.draw(st.sampled_from(different))
    letters[one], letters[other] = letters[other], letters[one]
    with pytest.raises(ClusterError, match=r"damaged|too short|too long"):
        decode("".join(letters))


def test_every_single_damaged_character_is_found() -> None:
    letters = encode(ONE).replace("-", "")
    for place in range(0, len(letters), 5):
        damaged = letters[:place] + LETTERS[LETTERS.index(letters[place]) ^ 9] + letters[place + 1 :]
        with pytest.raises(ClusterError, match=re.escape(f"(group {place // 6 + 1})")):
            decode(damaged)


def test_swapped_neighbours_are_found() -> None:
    letters = encode(ONE).replace("-", "")
    place = next(at for at in range(20, 60) if letters[at] != letters[at + 1])
    swapped = letters[:place] + letters[place + 1] + letters[place] + letters[place + 2 :]
    with pytest.raises(ClusterError, match=re.escape(f"(group {place // 6 + 1})")):
        decode(swapped)


@given(INVITES, st.data())
def test_a_lost_or_added_character_is_noticed(invite: Invite, data: st.DataObject) -> None:
    letters = encode(invite).replace("-", "")
    place = data.draw(st.integers(0, len(letters) - 1))
    added = data.draw(st.sampled_from(LETTERS))
    for damaged in (letters[:place] + letters[place + 1 :], letters[:place] + added + letters[place:]):
        with pytest.raises(ClusterError, match=r"damaged|too short|too long"):
            decode(damaged)


def test_what_is_wrong_with_a_code_is_said() -> None:
    code = encode(ONE)
    for damaged, words in (
        ("", "is empty"),
        (" - ", "is empty"),
        (code[:-8], r"too short: 59 letters, not 66"),
        (code + "XX", r"too long: 68 letters, not 66"),
        ("hello", r"is too short\. Copy"),
        (code[:9] + "U" + code[10:], r"near \w{2}U\w{3} \(group 2\): no code has a 'U'"),
        ("https://example.com", "damaged near HTTPS:"),
    ):
        with pytest.raises(ClusterError, match=words):
            decode(damaged)


def test_a_code_of_another_version_says_so() -> None:
    digits = [LETTERS.index(letter) for letter in encode(ONE).replace("-", "")][:-6]
    digits[0] = digits[0] & 1 | 2 << 1  # the version is the first four bits
    other = "".join(LETTERS[digit] for digit in (*digits, *_check(digits)))
    with pytest.raises(ClusterError, match="is of version 2, this Bittrader reads 1"):
        decode(other)


@given(st.text(max_size=120))
def test_any_text_that_is_no_code_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ClusterError, match=r"^[^\n]+$"):
        decode(text)


def test_a_file_holds_the_code_and_tells_a_person_what_it_is(tmp_path) -> None:
    path = tmp_path / "join me.txt"
    path.write_bytes(b"\xef\xbb\xbf" + as_file(encode(ONE), "studio", "macbook-air", 1795711125.0).encode())
    assert read_code(str(path)) == ONE
    assert "for macbook-air, good once and until 2026-11-26 16:38 UTC" in path.read_text(encoding="utf-8-sig")
    assert read_code(encode(ONE)) == ONE


def test_a_file_without_a_code_is_refused_in_one_line(tmp_path) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(ClusterError, match=r"holiday.jpg cannot be read as a join code"):
        read_code(str(path))


# The field and the code that they stand on.


@given(st.integers(0, 31), st.integers(0, 31), st.integers(0, 31))
def test_the_field_is_a_field(a: int, b: int, c: int) -> None:
    assert _times(a, b) == _times(b, a)
    assert _times(a, _times(b, c)) == _times(_times(a, b), c)
    assert _times(a, b ^ c) == _times(a, b) ^ _times(a, c)
    assert _times(a, 1) == a
    assert not a or len({_times(a, other) for other in range(32)}) == 32


def test_the_code_is_the_one_of_bip_173() -> None:
    # A valid address of BIP 173: what its data and check leave is 1 in that code, whose letters have another order.
    letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    human, data = "a", "2uel5l"
    expanded = [ord(one) >> 5 for one in human] + [0] + [ord(one) & 31 for one in human]
    assert _remainder([*expanded, *map(letters.index, data)]) == (0, 0, 0, 0, 0, 1)
