"""Join codes: what a computer must know to become a node, in one short line that a person can read out.

A code holds where the head is met, the fingerprint of the certificate that it shows there, and a secret that is good
for one computer. Its letters are Crockford's base 32, so that no two of them look alike. Its last six come from a BCH
code (the one that Bitcoin's addresses use, BIP 173): any four damaged characters, or any two that were swapped, are
noticed for sure, and one damaged character or two swapped neighbours are found.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bittrader.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

VERSION = 1
MOST_ADDRESSES = 4
SECRET_BYTES = 10
FINGERPRINT_BYTES = 16
HOURS = 24
"""How long a code is good when nothing else is said."""

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {letter: value for value, letter in enumerate(LETTERS)} | {"O": 0, "I": 1, "L": 1}
_GROUP = 6
_CHECK = 6
# Between the groups, in whatever way a mail program or a person writes it.
_BETWEEN = re.compile(r"[\s\-\u2010-\u2015_.]+")
# The head's installer prints the code in this line, and who copies it copies the line.
_COMMAND = re.compile(r"^\s*bittrader\s+worker\s+join\s+")


@dataclass(frozen=True, slots=True)
class Invite:
    """What a join code says."""

    addresses: tuple[str, ...]
    """IPv4, in the order in which they are to be tried."""
    port: int
    fingerprint: bytes
    """The first bytes of the SHA-256 of the certificate that the meeting point shows."""
    secret: bytes

    @property
    def id(self) -> str:
        """What the code is called in lists."""
        return digest(self.secret.hex())[:8]


def digest(secret: str) -> str:
    """What is kept of a secret: enough to know it again, and nothing to use. Long, drawn secrets need no more."""
    return hashlib.sha256(f"bittrader {secret}".encode()).hexdigest()


def fingerprint(certificate: bytes) -> bytes:
    """What a code holds of a certificate (DER)."""
    return hashlib.sha256(certificate).digest()[:FINGERPRINT_BYTES]


def fresh_secret() -> bytes:
    """A secret for a new code."""
    return secrets.token_bytes(SECRET_BYTES)


def encode(invite: Invite) -> str:
    """The join code, in groups: `04M2-…`."""
    header = bytes([VERSION << 4 | len(invite.addresses)])
    addresses = b"".join(ipaddress.IPv4Address(address).packed for address in invite.addresses)
    payload = header + addresses + invite.port.to_bytes(2) + invite.fingerprint + invite.secret
    digits = _digits(payload)
    return "-".join(_groups("".join(LETTERS[digit] for digit in (*digits, *_check(digits)))))


def decode(code: str) -> Invite:
    """What a join code says; ClusterError, with what is wrong and where, when it is damaged."""
    letters = _BETWEEN.sub("", _COMMAND.sub("", code)).upper()
    if not letters:
        raise ClusterError("the join code is empty: copy what `bittrader head invite` printed")
    digits = _values(letters)
    if _remainder(digits) != _SIGNED:
        raise ClusterError(_damage(digits, letters))
    payload = _payload(digits[:-_CHECK])
    version, count = divmod(payload[0], 16)
    if version != VERSION:
        raise ClusterError(f"the join code is of version {version}, this Bittrader reads {VERSION}: install the head's")
    if _lengths().get(count) != len(digits):
        raise ClusterError("the join code is none that `bittrader head invite` printed: ask for another one")
    ends = [1 + 4 * at for at in range(count + 1)]
    return Invite(
        addresses=tuple(str(ipaddress.IPv4Address(payload[start:end])) for start, end in pairwise(ends)),
        port=int.from_bytes(payload[ends[-1] : ends[-1] + 2]),
        fingerprint=payload[ends[-1] + 2 : -SECRET_BYTES],
        secret=payload[-SECRET_BYTES:],
    )


def as_file(code: str, head: str, name: str | None, expires: float) -> str:
    """A file that holds a code, and says to a person what it is."""
    until = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%d %H:%M UTC")
    whom = f"for {name}" if name else "for one computer"
    return (
        f"# Join code of the Bittrader cluster of {head}, {whom}, good once and until {until}.\n"
        "# It lets its holder in: give it to nobody else. On the new computer: bittrader worker join THIS_FILE\n"
        f"{code}\n"
    )


def read_code(given: str) -> Invite:
    """What a join code says that was given as itself or as the name of a file that holds it."""
    path = Path(given).expanduser()
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # too long for a name, or with characters that no name has
        is_file = False
    if not is_file:
        return decode(given)
    try:
        lines = path.read_bytes()[:4096].decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ClusterError(f"{path} cannot be read as a join code: {error}") from error
    return decode(" ".join(line for line in lines if not line.startswith("#")))


def _damage(digits: Sequence[int], letters: str) -> str:
    near = _near(digits, letters) if len(digits) in _lengths().values() else None
    if near is None and (wrong := _wrong_length(digits)):
        return wrong
    return f"the join code is damaged {f'near {near}' if near else 'in more than one place'}: copy it again"


def _lengths() -> dict[int, int]:
    """How many letters the codes with so many addresses have."""
    fixed = 1 + 2 + FINGERPRINT_BYTES + SECRET_BYTES
    return {count: -(-8 * (fixed + 4 * count) // 5) + _CHECK for count in range(1, MOST_ADDRESSES + 1)}


def _values(letters: str) -> list[int]:
    for at, letter in enumerate(letters):
        if letter not in _VALUES:
            raise ClusterError(f"the join code is damaged near {_around(letters, at)}: no code has a {letter!r}")
    return [_VALUES[letter] for letter in letters]


def _wrong_length(digits: Sequence[int]) -> str | None:
    """That letters are missing or too many, judged by what the first two say; None when their number is right."""
    lengths = _lengths()
    count = (digits[0] << 3 | digits[1] >> 2) & 15 if len(digits) > 1 else 0
    expected = lengths.get(count, max(lengths.values()))
    if len(digits) == expected:
        return None
    wrong = "short" if len(digits) < expected else "long"
    if count not in lengths:
        return f"the join code is too {wrong}. Copy all of it"
    return f"the join code is too {wrong}: {len(digits)} letters, not {expected}. Copy all of it"


def _digits(payload: bytes) -> list[int]:
    count = -(-8 * len(payload) // 5)
    number = int.from_bytes(payload) << (5 * count - 8 * len(payload))
    return [number >> 5 * at & 31 for at in reversed(range(count))]


def _payload(digits: Sequence[int]) -> bytes:
    size = 5 * len(digits) // 8
    number = 0
    for digit in digits:
        number = number << 5 | digit
    return (number >> (5 * len(digits) - 8 * size)).to_bytes(size)


def _groups(letters: str) -> Iterator[str]:
    return (letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))


# The BCH code: polynomials over the field of 32 elements, which is defined by a^5 + a^3 + 1 = 0 (BIP 173).

_Remainder: TypeAlias = tuple[int, ...]
_GENERATOR = (29, 22, 20, 21, 29, 18)
"""The generator's coefficients below x^6."""
# What a whole code leaves, divided by the generator. Not zero, which a code of zeros would leave; and not Bitcoin's.
_SIGNED = (2, 9, 20, 20, 18, 1)


def _times(left: int, right: int) -> int:
    product = 0
    for bit in reversed(range(5)):
        product <<= 1
        if product & 32:
            product ^= 0b101001
        if right >> bit & 1:
            product ^= left
    return product


_ONE: _Remainder = (0, 0, 0, 0, 0, 1)
_MULTIPLES = [tuple(_times(factor, coefficient) for coefficient in _GENERATOR) for factor in range(32)]


def _remainder(digits: Iterable[int]) -> _Remainder:
    """What the digits, as a polynomial with a leading 1, leave when divided by the generator."""
    left = _ONE
    for digit in digits:
        left = _next(left, digit)
    return left


def _next(left: _Remainder, digit: int) -> _Remainder:
    """What is left of x times a polynomial, plus a digit, when `left` is left of the polynomial."""
    return _sum((*left[1:], digit), _MULTIPLES[left[0]])


def _sum(one: _Remainder, other: _Remainder) -> _Remainder:
    return tuple(a ^ b for a, b in zip(one, other, strict=True))


def _check(digits: Sequence[int]) -> _Remainder:
    return _sum(_remainder([*digits, *(0,) * _CHECK]), _SIGNED)


def _near(digits: Sequence[int], letters: str) -> str | None:
    """Where one other letter, or one swap of neighbours, would make the code whole; None when neither would."""
    wrong = _sum(_remainder(digits), _SIGNED)
    weight = _ONE  # of an error of 1 at this place
    for at in reversed(range(len(digits))):
        if wrong in [tuple(_times(error, part) for part in weight) for error in range(1, 32)]:
            return _around(letters, at)
        before = _next(weight, 0)
        error = digits[at - 1] ^ digits[at]
        if at and wrong == tuple(_times(error, part) for part in _sum(weight, before)):
            return _around(letters, at - 1)
        weight = before
    return None


def _around(letters: str, at: int) -> str:
    group = at // _GROUP
    return f"{letters[group * _GROUP : (group + 1) * _GROUP]} (group {group + 1})"
