"""What a plan is made from: all that must be known of a computer before anything is done to it."""

from __future__ import annotations

import ctypes
import getpass
import os
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bittrader import host, paths
from bittrader.cluster.identity import folder_of, other_role
from bittrader.cluster.network import way
from bittrader.cluster.roles import has_role, wants_same_ports
from bittrader.cluster.settings import Ports, read_settings
from bittrader.errors import BittraderError, InstallError
from bittrader.host.network import SHARED
from bittrader.install.bounds import Bounds, require_known
from bittrader.install.firewall import From, guarding_chain
from bittrader.install.machine import Owner, started_as_root
from bittrader.install.receipt import Receipt, read_receipt
from bittrader.install.systemd import Linger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bittrader.cluster.identity import Role
    from bittrader.cluster.settings import Network
    from bittrader.host.base import Address
    from bittrader.install.firewall import Guard
    from bittrader.install.machine import Machine

System = Literal["Linux", "macOS", "Windows"]

_MANAGERS = ("apt-get", "dnf", "yum", "pacman", "zypper")


@dataclass(frozen=True)
class Facts:
    """A computer, as an installation finds it."""

    system: System
    role: Role
    owner: Owner
    home: str
    folder: str
    """Of the node."""
    moved: str = ""
    """BITTRADER_HOME, if it is set."""
    is_root: bool = False
    """Whether this program was started with the rights of an administrator."""
    may_be_root: bool = False
    """Whether it might have them: it was started so, or there is sudo."""
    systemd: int | None = None
    """Its version, if it runs this computer."""
    has_logind: bool = True
    """Whether systemd's logind answers, which lets a user's services run while nobody is logged in."""
    lingered: bool | None = None
    """Whether they did so before we had them, if this computer's other role knows."""
    has_rival: bool = False
    """Whether this computer has the other role, installed or not, and that wants the same ports."""
    manager: str = ""
    """The program that installs packages; empty if it is none that we know."""
    link_is_free: bool = False
    """Whether `~/.local/bin/bittrader` is nobody's, or ours."""
    ports: Ports = field(default_factory=Ports)
    network: From | None = None
    """Where the other computers are; None while this one is in no network."""
    guard: Guard | None = None
    """The firewall that is in force; None if none is, or this user may not know."""
    zone: str = ""
    """Of firewalld, for the network."""
    chain: tuple[str, str, str] | None = None
    """Of nftables, that drops what comes in: family, table, name."""
    is_loaded_at_boot: bool = False
    """Whether the rules of nftables come from /etc/nftables.conf."""


def owner_here() -> Owner:
    """The user whose node this is to be: with sudo, who called it; their home is taken for HOME."""
    if not hasattr(os, "getuid"):
        return Owner(_windows_user())
    import pwd  # noqa: PLC0415 - only where users have numbers

    called_by = os.environ.get("SUDO_USER", "")
    if not (started_as_root() and called_by):
        entry = _entry(pwd)
        return Owner(entry.pw_name, entry.pw_uid, entry.pw_gid)
    try:
        entry = pwd.getpwnam(called_by)
    except KeyError:
        raise InstallError(f"this computer knows no user {called_by}, whom SUDO_USER names: unset it") from None
    os.environ["HOME"] = entry.pw_dir
    return Owner(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _entry(pwd: Any) -> Any:
    try:
        return pwd.getpwuid(os.getuid())
    except KeyError:
        raise InstallError(f"this computer knows no user of number {os.getuid()}: take one that it knows") from None


def _windows_user() -> str:
    domain = os.environ.get("USERDOMAIN", "")
    return f"{domain}\\{getpass.getuser()}" if domain else getpass.getuser()


def bounds_of(role: Role, owner: Owner) -> Bounds:
    """What the receipt of a node of this computer may name."""
    folder = folder_of(role).absolute()
    return Bounds(role, owner, str(Path.home()), (str(folder), str(folder.resolve())))


def receipt_of(role: Role, machine: Machine, owner: Owner) -> Receipt:
    """The receipt of a node, empty if there is none; InstallError if it cannot be used or names what is no node's."""
    bounds = bounds_of(role, owner)
    return require_known(read_receipt(machine, str(Path(bounds.folders[0]) / paths.RECEIPT)), bounds)


def facts_of(role: Role, machine: Machine, owner: Owner) -> Facts:
    """What there is to know of this computer; some of it only for an administrator."""
    computer = host.current()
    folder, home = folder_of(role).absolute(), Path.home()
    other = _other_receipt(role, machine, owner)
    settings = read_settings(folder)
    network = network_of(computer.addresses(), computer.ranges(), settings.network)
    is_root = _is_root()
    is_linux = computer.name == "Linux"
    may_be_root = is_root or (hasattr(os, "getuid") and shutil.which("sudo") is not None)
    guard, chain = _guard(computer.name, machine, is_root=is_root)
    link = home / ".local" / "bin" / "bittrader"
    return Facts(
        system=computer.name,  # type: ignore[arg-type]
        role=role,
        owner=owner,
        home=str(home),
        folder=str(folder),
        moved=str(Path(os.environ["BITTRADER_HOME"]).expanduser().absolute()) if _is_moved() else "",
        is_root=is_root,
        may_be_root=may_be_root,
        systemd=systemd_version(machine) if is_linux else None,
        has_logind=Path("/run/dbus/system_bus_socket").exists() and shutil.which("loginctl") is not None,
        lingered=_lingered(other),
        has_rival=_has_rival(other, role),
        manager=next((one for one in _MANAGERS if shutil.which(one)), "") if is_linux else "",
        link_is_free=not os.path.lexists(link) or _is_ours(link, folder),
        ports=settings.network.ports,
        network=network,
        guard=guard,
        zone=_zone(machine, network) if guard == "firewalld" and is_root else "",
        chain=chain,
        is_loaded_at_boot=guard == "nftables" and _is_loaded_at_boot(machine),
    )


def _has_rival(receipt: Receipt | None, role: Role) -> bool:
    is_installed = receipt is not None and not receipt.is_new
    return (is_installed or has_role(other_role(role))) and wants_same_ports(role)


def _other_receipt(role: Role, machine: Machine, owner: Owner) -> Receipt | None:
    """That of this computer's other role; None when it cannot be used."""
    try:
        return receipt_of(other_role(role), machine, owner)
    except InstallError:
        return None


def _lingered(receipt: Receipt | None) -> bool | None:
    """What the receipt of this computer's other role says of it."""
    if receipt is None:
        return None
    found = [one.change.before for one in receipt.entries if isinstance(one.change, Linger)]
    return found[0] if found else None


def _is_moved() -> bool:
    return bool(os.environ.get("BITTRADER_HOME"))


def _is_ours(link: Path, folder: Path) -> bool:
    return link.is_symlink() and link.readlink() == folder / "bin" / "bittrader"


def _is_root() -> bool:
    if hasattr(os, "getuid"):
        return started_as_root()
    libraries: Any = getattr(ctypes, "windll")  # noqa: B009 - it is not there to be seen on other systems
    return bool(libraries.shell32.IsUserAnAdmin())


def systemd_version(machine: Machine) -> int | None:
    """The version of the systemd that runs this computer; None if none does."""
    if not machine.exists("/run/systemd/system"):
        return None
    found = re.match(r"systemd (\d+)", machine.run(["systemctl", "--version"]).out)
    return int(found[1]) if found else None


def network_of(addresses: Sequence[Address], ranges: Mapping[str, str], wanted: Network) -> From | None:
    """The network that this node is met in, as its owner wants it."""
    try:
        found = way(addresses, wanted)
    except BittraderError:
        return None
    if found is None:
        return None
    mine = next(one for one in addresses if one.ip == found.address)
    is_vpn = mine.kind == "tailscale"
    if not is_vpn and mine.kind != "lan":  # an address that the settings name, and that all the world may know
        return None
    around = str(SHARED) if is_vpn else ranges.get(mine.ip, "")
    return From(around, mine.interface, mine.ip, is_vpn) if around else None


def _guard(system: str, machine: Machine, *, is_root: bool) -> tuple[Guard | None, tuple[str, str, str] | None]:
    if system == "Windows":
        return "Windows", None
    if system == "macOS":
        return ("macOS" if mac_firewall_is_on(machine) else None), None
    if re.search(r"^ENABLED=yes", machine.read("/etc/ufw/ufw.conf") or "", re.MULTILINE):
        return "ufw", None
    if machine.run(["systemctl", "is-active", "--quiet", "firewalld"]).code == 0:
        return "firewalld", None
    if is_root:
        said = machine.run(["nft", "--json", "list", "ruleset"], root=True)
        chain = guarding_chain(said.out) if said.code == 0 and said.out else None
        return ("nftables" if chain else None), chain
    return ("nftables" if _is_loaded_at_boot(machine) else None), None


def mac_firewall_is_on(machine: Machine) -> bool:
    """Whether macOS asks before a program may be met."""
    program = "/usr/libexec/ApplicationFirewall/socketfilterfw"
    return "enabled" in machine.run([program, "--getglobalstate"]).out.lower()


def _zone(machine: Machine, network: From | None) -> str:
    """The zone of firewalld that the network's interface is in; empty for the default one."""
    if network is None:
        return ""
    said = machine.run(["firewall-cmd", f"--get-zone-of-interface={network.interface}"], root=True)
    return said.out.strip() if said.code == 0 else ""


def _is_loaded_at_boot(machine: Machine) -> bool:
    enabled = machine.run(["systemctl", "is-enabled", "--quiet", "nftables"]).code == 0
    return enabled and machine.exists("/etc/nftables.conf")


def environment_here() -> str:
    """The environment that this program runs from."""
    return sys.prefix
