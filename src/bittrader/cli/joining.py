"""Joining a cluster: what `worker join` and `worker install` have in common."""

from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address

from bittrader.cluster.config_file import set_key
from bittrader.cluster.facts import facts_here
from bittrader.cluster.identity import folder_of, identity
from bittrader.cluster.invite import MOST_ADDRESSES, read_code
from bittrader.cluster.secrets import Secrets
from bittrader.cluster.settings import read_settings, text_of, value_in_env
from bittrader.cluster.visit import join, read_contact
from bittrader.errors import ClusterError, InputError


def join_here(code: str, name: str | None = None) -> tuple[str, str]:
    """Makes this computer a worker of the head that a code is from; the names of both, this one's first.

    A HEAD_ADDRESS in `config.env` is where the head is looked for first.
    """
    invite = read_code(code)
    folder = folder_of("worker")
    first = head_address(text_of(folder / "config.env"), str(folder / "config.env"))
    if first:
        others = tuple(one for one in invite.addresses if one != first)
        invite = replace(invite, addresses=(first, *others)[:MOST_ADDRESSES])
    Secrets(folder).prepare()
    if name is not None:
        set_key(folder, "node.name", name)
    me = identity(folder, "worker", read_settings(folder).node.shown_name)
    return me.name, join(folder, invite, me.node, me.name, facts_here()).head


def head_address(text: str, place: str) -> str:
    """The HEAD_ADDRESS of a file of `NAME=value` lines, empty if there is none; InputError if it is no address."""
    said = value_in_env(text, "HEAD_ADDRESS")
    try:
        return str(IPv4Address(said)) if said else ""
    except AddressValueError:
        raise InputError(f"{place}: HEAD_ADDRESS is an IPv4 address as in 192.168.1.20, not {said!r}.") from None


def has_joined() -> bool:
    """Whether this computer knows a head to work for."""
    try:
        read_contact(folder_of("worker"))
    except ClusterError:
        return False
    return True
