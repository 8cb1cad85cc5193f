"""All that can be found of a machine that an installation might have left something in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.machine import Machine

# What a Linux that runs writes by itself.
_ITS_OWN = (
    "/dev", "/proc", "/run", "/sys", "/tmp/systemd-private-*", "/var/tmp", "/var/log", "/var/cache", "/var/backups",
    "/var/lib/systemd", "/var/lib/private", "/var/lib/dbus", "/etc/machine-id", "/etc/.pwd.lock", "/root/.bash_history",
)  # fmt: skip
_ASKED = {
    "users": "getent passwd; getent group",
    "units": "systemctl list-unit-files --no-legend --no-pager | awk '{ print $1, $2 }'",
    "lingering users": "ls /var/lib/systemd/linger 2>&1",
    "contents": "find /etc -xdev -type f ! -name .pwd.lock ! -name machine-id -exec sha256sum {} +",
    "firewall": "nft list ruleset | sed 's/counter packets [0-9]* bytes [0-9]*//'; ufw status; cat /etc/ufw/*.rules; "
    "cat /etc/nftables.conf; firewall-cmd --list-all-zones; firewall-cmd --permanent --list-all-zones",
    "processes": "ps -eo user:20,args --no-headers",
}
_PASSING = (
    "ps -eo",
    "sh -c",
    "nsenter",
    "systemd-",
    "(sd-pam)",
    "agetty",
    "[",
    "dbus-daemon",
    "polkitd",
    "networkctl",
    "awk",
)


def traces(machine: Machine) -> dict[str, set[str]]:
    """What there is, by kind: files with their owner, mode and size, what is in those of /etc, users, units, the rules
    of the firewalls, processes.
    """
    less = " -o ".join(f"-path '{path}'" for path in _ITS_OWN)
    facts = machine.succeed(
        f"find / -xdev \\( {less} \\) -prune -o -type f -printf '%p %u %m %s\\n' -o -printf '%p %u %m %l\\n'", 120
    )
    found = {kind: set(machine.run(words).stdout.splitlines()) for kind, words in _ASKED.items()}
    found["processes"] = {one for one in found["processes"] if not any(word in one for word in _PASSING)}
    return {"files": set(facts.splitlines()), **found}


def difference(before: dict[str, set[str]], after: dict[str, set[str]]) -> str:
    """What was added and what is gone, in lines; nothing when all is as it was."""
    lines = []
    for kind, earlier in before.items():
        lines += [f"{kind}: left {one}" for one in sorted(after[kind] - earlier)]
        lines += [f"{kind}: lost {one}" for one in sorted(earlier - after[kind])]
    return "\n".join(lines)
