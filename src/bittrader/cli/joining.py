"""Joining a cluster and leaving it: what `worker join`, `worker install` and `worker uninstall` have in common."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path

from bittrader import paths
from bittrader.cluster.config_file import set_key
from bittrader.cluster.facts import facts_here
from bittrader.cluster.identity import Role, folder_of, identity, read_identity
from bittrader.cluster.invite import MOST_ADDRESSES, Invite, read_code
from bittrader.cluster.messages import RefusedError
from bittrader.cluster.roles import has_joined
from bittrader.cluster.secrets import Secrets
from bittrader.cluster.settings import read_settings, text_of, value_in_env
from bittrader.cluster.visit import Visitor, check, join
from bittrader.errors import ClusterError, InputError
from bittrader.files import written_whole

_NOBODY = "0" * 16
"""The node that asks whether a code is good, where no identity was drawn yet."""


def check_here(code: str) -> None:
    """Asks the head whether a code lets this computer in, and changes nothing; ClusterError, with why, if not."""
    known = read_identity(folder_of("worker"))
    check(_invite_of(code), known.node if known else _NOBODY, facts_here())


def join_here(code: str, name: str | None = None) -> tuple[str, str]:
    """Makes this computer a worker of the head that a code is from; the names of both, this one's first.

    A HEAD_ADDRESS in `config.env` is where the head is looked for first.
    """
    folder, invite = folder_of("worker"), _invite_of(code)
    Secrets(folder).prepare()
    if name is not None:
        set_key(folder, "node.name", name)
    me = identity(folder, "worker", read_settings(folder).node.shown_name)
    return me.name, join(folder, invite, me.node, me.name, facts_here()).head


def _invite_of(code: str) -> Invite:
    """What a code says, with the HEAD_ADDRESS first."""
    invite, env = read_code(code), folder_of("worker") / paths.VARIABLES
    first = head_address(text_of(env), str(env))
    if not first:
        return invite
    others = tuple(one for one in invite.addresses if one != first)
    return replace(invite, addresses=(first, *others)[:MOST_ADDRESSES])


def leave_here() -> str:
    """Has the head forget this computer, if it is a worker; why it could not be told, empty when it was."""
    folder = folder_of("worker")
    try:
        known = read_identity(folder)
        if known is None or not has_joined():
            return ""
        Visitor(folder, known.node, facts_here()).leave()
    except ClusterError as error:
        return str(error)
    return ""


@contextmanager
def as_before_if_it_fails(role: Role, tell: Callable[[str], None]) -> Iterator[None]:
    """Has a node's settings, and the cluster that it is in, be as they were when what is done meanwhile fails."""
    folder, had_joined = folder_of(role), role == "head" or has_joined()
    settings, before = folder / paths.SETTINGS, set(_of_joining(folder))
    held = settings.read_bytes() if settings.exists() else None
    try:
        yield
    except BaseException as error:
        with suppress(OSError):  # a full disk; what failed first is what is told
            may_be_listed = not isinstance(error, RefusedError)
            if not had_joined and has_joined():
                why = leave_here()
                may_be_listed = why != ""
                listed = f" (its head still lists this computer, and the same code lets it in again: {why})"
                tell(f"join the cluster{why and listed}")
            if not had_joined:
                # By its number the head knows a computer again that comes back with a code that it has used.
                stays = {folder / paths.IDENTITY} if may_be_listed else set()
                _remove(folder, set(_of_joining(folder)) - before - stays)
            if held is None:
                settings.unlink(missing_ok=True)
            elif not settings.exists() or held != settings.read_bytes():
                with written_whole(settings) as part:
                    part.touch(mode=0o600)  # a URL to tell the owner by holds a token
                    part.write_bytes(held)
        raise


def _of_joining(folder: Path) -> tuple[Path, ...]:
    """What joining makes: files, and last the folder of some."""
    secrets = Secrets(folder).folder
    found = (folder / paths.IDENTITY, folder / paths.MEETING, *secrets.glob("*"), secrets)
    return tuple(one for one in found if one.exists())


def _remove(folder: Path, made: set[Path]) -> None:
    for one in _of_joining(folder):
        if one in made and one.is_dir():
            one.rmdir()
        elif one in made:
            one.unlink()


def head_address(text: str, place: str) -> str:
    """The HEAD_ADDRESS of a file of `NAME=value` lines, empty if there is none; InputError if it is no address."""
    said = value_in_env(text, "HEAD_ADDRESS")
    try:
        return str(IPv4Address(said)) if said else ""
    except AddressValueError:
        raise InputError(f"{place}: HEAD_ADDRESS is an IPv4 address as in 192.168.1.20, not {said!r}.") from None
