"""What the owner of a computer set for its node: `config.toml`, every key of it checked."""

from __future__ import annotations

import socket
import tomllib
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, get_type_hints

from bittrader import paths
from bittrader.cluster.policy import NodePolicy
from bittrader.cluster.sections import SECRET, keys, made
from bittrader.errors import InputError, did_you_mean
from bittrader.notify.masks import is_url
from bittrader.notify.message import EVENTS
from bittrader.notify.wanted import Wanted

_LAST_PORT = 65_535
NAME_LENGTH = 80
"""The longest name of a node, in characters."""
AUTO = "auto"
"""What stands for the folder that is found by itself."""


@dataclass(frozen=True)
class Node:
    """[node]: this computer."""

    name: str = ""
    """What people call it; the computer's own name if empty."""
    cores: int | None = None
    """How many cores there are for us at most; not set, all of them, or `NUM_CPUS` of config.env."""

    def __post_init__(self) -> None:
        """Refuses a node without a core, and a name that no head would take."""
        if len(self.name) > NAME_LENGTH or not self.name.isprintable():
            raise InputError(f"name is one line of at most {NAME_LENGTH} characters, not {self.name[:100]!r}")
        if self.cores is not None and self.cores < 1:
            raise InputError(f"cores is at least 1, not {self.cores}; to keep a node from working, pause it")

    @property
    def shown_name(self) -> str:
        """The name that people see."""
        return self.name or socket.gethostname().split(".")[0]


@dataclass(frozen=True)
class Ports:
    """[network.ports]: all fixed, so that a firewall can be told."""

    gcs: int = 6379
    meeting: int = 6380
    node_manager: int = 6381
    object_manager: int = 6382
    runtime_env_agent: int = 6383
    metrics: int = 6384
    dashboard_agent_http: int = 6385
    dashboard_agent_grpc: int = 6386
    first_worker: int = 20_000
    last_worker: int = 20_099

    def __post_init__(self) -> None:
        """Refuses numbers that are no ports, and two services on one."""
        single = {key: port for key, port in vars(self).items() if not key.endswith("_worker")}
        for key, port in vars(self).items():
            if not 1024 <= port <= _LAST_PORT:
                raise InputError(f"{key} is a port from 1024 to {_LAST_PORT}, not {port}")
        if self.first_worker > self.last_worker:
            raise InputError(f"first_worker = {self.first_worker} comes after last_worker = {self.last_worker}")
        taken: dict[int, str] = {}
        for key, port in single.items():
            if self.first_worker <= port <= self.last_worker:
                raise InputError(f"{key} = {port} is among the ports of the workers")
            if port in taken:
                raise InputError(f"{taken[port]} and {key} are both {port}")
            taken[port] = key


@dataclass(frozen=True)
class Network:
    """[network]: how the nodes reach each other."""

    mode: Literal["auto", "tailscale", "lan"] = "auto"
    """`auto` takes Tailscale if it is up, else the local network."""
    address: str = ""
    """The IPv4 address to use; empty, the best of those that are up."""
    ports: Ports = field(default_factory=Ports)

    def __post_init__(self) -> None:
        """Refuses what is no IPv4 address."""
        if self.address and not _is_ipv4(self.address):
            raise InputError(f"address is an IPv4 address as in 192.168.1.20, not {self.address!r}")


@dataclass(frozen=True)
class Code:
    """[code]: where strategies come from."""

    folder: str = ""
    """A folder that is kept the same on all nodes; `auto`, the folder `bittrader` in Google Drive, wherever that is;
    empty, studies bring their code along."""

    def __post_init__(self) -> None:
        """Refuses a path that would mean another folder for each program."""
        if self.folder and self.folder != AUTO and not _is_whole(self.folder):
            raise InputError(f"folder is a whole path as in ~/strategies, or {AUTO}, not {self.folder!r}")


@dataclass(frozen=True)
class Logs:
    """[logs]: how much is kept of each log."""

    size_mb: float = 10.0
    keep: int = 5
    """Older files beside the one that is written."""

    def __post_init__(self) -> None:
        """Refuses logs that could hold nothing."""
        if self.size_mb < 0.1:
            raise InputError(f"size_mb is at least 0.1, not {self.size_mb:g}")
        if not 0 <= self.keep <= 100:
            raise InputError(f"keep is a number of files from 0 to 100, not {self.keep}")


@dataclass(frozen=True)
class Health:
    """[health]: how soon a machine that does not answer counts as lost."""

    period_seconds: float = 1.0
    timeout_seconds: float = 2.0
    failures: int = 4
    """So many checks in a row must fail: with these defaults, a machine is lost after about 8 s."""

    def __post_init__(self) -> None:
        """Refuses checks that would never end or never pass."""
        for key, value in (("period_seconds", self.period_seconds), ("timeout_seconds", self.timeout_seconds)):
            if not 0.1 <= value <= 600:
                raise InputError(f"{key} is 0.1 to 600, not {value:g}")
        if not 1 <= self.failures <= 100:
            raise InputError(f"failures is 1 to 100, not {self.failures}")


@dataclass(frozen=True)
class Notify:
    """[notify]: what the owner is told without asking."""

    on: bool = False
    desktop: bool = True
    """Whether a note on this computer's desktop is one of the ways."""
    urls: tuple[str, ...] = field(default=(), repr=False, metadata={SECRET: True})
    """Other ways, as apprise writes them: `tgram://TOKEN/CHAT`. Whoever has one may write there."""
    events: tuple[str, ...] = tuple(event for event in EVENTS if event != "paused")
    most_an_hour: int = 6
    """Messages; what comes on top is told together later."""

    def __post_init__(self) -> None:
        """Refuses what is no URL, without a word of it, and events that there are not."""
        for place, url in enumerate(self.urls, 1):
            if not is_url(url):
                raise InputError(f"urls: number {place} is no URL as in tgram://TOKEN/CHAT; it is secret, so not shown")
        for event in self.events:
            if event not in EVENTS:
                hint = did_you_mean(event, EVENTS) or f" There are {', '.join(EVENTS)}."
                raise InputError(f"events: there is no event {event!r}.{hint}")
        if not 1 <= self.most_an_hour <= 60:
            raise InputError(f"most_an_hour is 1 to 60, not {self.most_an_hour}")

    @property
    def wanted(self) -> Wanted:
        """The same, for what tells it."""
        return Wanted(self.on, self.desktop, self.urls, frozenset(self.events), self.most_an_hour)


@dataclass(frozen=True)
class Settings:
    """All that the owner can set."""

    node: Node = field(default_factory=Node)
    policy: NodePolicy = field(default_factory=NodePolicy)
    network: Network = field(default_factory=Network)
    code: Code = field(default_factory=Code)
    logs: Logs = field(default_factory=Logs)
    health: Health = field(default_factory=Health)
    notify: Notify = field(default_factory=Notify)

    @property
    def node_policy(self) -> NodePolicy:
        """The policy to decide by: within the cores that [node] gives."""
        if self.node.cores is None:
            return self.policy
        away = self.node.cores if self.policy.away_cores is None else min(self.policy.away_cores, self.node.cores)
        return replace(self.policy, away_cores=away, active_cores=min(self.policy.active_cores, self.node.cores))


def read_settings(folder: Path) -> Settings:
    """The settings of the node whose folder this is: `config.toml`, then `config.env`, else the defaults.

    InputError, in one line with the place, for anything in them that is no setting.
    """
    settings = parse_settings(text_of(folder / paths.SETTINGS), str(folder / paths.SETTINGS))
    cores = parse_num_cpus(text_of(folder / paths.VARIABLES), str(folder / paths.VARIABLES))
    if settings.node.cores is None and cores is not None:
        return replace(settings, node=replace(settings.node, cores=cores))
    return settings


def parse_settings(text: str, place: str = paths.SETTINGS) -> Settings:
    """The settings in a file's text; what is not said has its default."""
    try:
        return made(Settings, tomllib.loads(text))
    except (ValueError, InputError) as error:  # a whole number of thousands of digits is one that is no TOML error
        raise InputError(f"{place}: {error}" + ("" if str(error).endswith((".", "?")) else ".")) from None


def parse_num_cpus(text: str, place: str = paths.VARIABLES) -> int | None:
    """The `NUM_CPUS` of a file of `NAME=value` lines; other names are other programs' business."""
    value = value_in_env(text, "NUM_CPUS")
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and int(value) >= 1):
        raise InputError(f"{place}: NUM_CPUS is a number of cores, 1 or more, not {value!r}.")
    return int(value)


def value_in_env(text: str, wanted: str) -> str:
    """What the last line says that sets this name in a file of `NAME=value` lines; empty if none does."""
    value = ""
    for line in text.splitlines():
        name, _, said = line.strip().removeprefix("export ").partition("=")
        if name.strip() == wanted:
            value = said.split("#")[0].strip().strip("\"'")
    return value


def value_of(settings: Settings, key: str) -> object:
    """What a setting is set to."""
    found: object = settings
    for name in require_key(key).split("."):
        found = getattr(found, name)
    return found


def require_key(key: str) -> str:
    """The key itself; InputError, with what was meant perhaps, if there is no such setting."""
    known = dict(keys(Settings))
    if key in known:
        return key
    below = [one for one in known if one.startswith(f"{key}.")]
    last = [one for one in known if one.endswith(f".{key}")]
    if below:
        hint = f" It is a section, with {', '.join(one.removeprefix(f'{key}.') for one in below)}."
    else:
        sections = ", ".join(get_type_hints(Settings))
        hint = f" Did you mean {last[0]!r}?" if last else did_you_mean(key, known) or f" The sections are {sections}."
    raise InputError(f"there is no setting {key!r}.{hint}")


def _is_whole(folder: str) -> bool:
    try:
        return Path(folder).expanduser().is_absolute()
    except RuntimeError:  # the home of somebody who is not known here
        return False


def _is_ipv4(text: str) -> bool:
    try:
        return ip_address(text).version == 4
    except ValueError:
        return False


def text_of(path: Path) -> str:
    """A file's text, line endings as they are; nothing if there is no file."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}.") from None
