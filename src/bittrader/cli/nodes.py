"""What the owner of a computer can ask of its node: the same of a head and of a worker."""

import json
import math
import re
import sys
import time
from collections.abc import Iterator
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bittrader import host, paths
from bittrader.cli.installing import add_installing
from bittrader.cli.notifying import try_ways
from bittrader.cli.options import JsonOption
from bittrader.cli.services import say_it_runs, start_service
from bittrader.cli.verifying import verify_node
from bittrader.cluster import config_file, daemon
from bittrader.cluster.identity import Role, folder_of, other_role, read_identity, require_identity
from bittrader.cluster.policy import NodePolicy
from bittrader.cluster.roles import require_no_second_role
from bittrader.cluster.settings import read_settings
from bittrader.cluster.status_words import in_words
from bittrader.cluster.visit import NotJoinedError, require_joined
from bittrader.cluster.wishes import Wishes, ask
from bittrader.errors import ClusterError, InputError, did_you_mean

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TAIL = 40
_LOOK_SECONDS = 0.3
_TAKES_NEGATIVE = {"ignore_unknown_options": True}
"""Has a value such as -3 be a value, which the setting refuses in its own words, and no option that there is not."""

Background = Annotated[bool, typer.Option("--background", help="Go on after this terminal has closed.")]
NodeName = Annotated[str | None, typer.Option("--name", help="What to call this computer; else its own name.")]


def seconds_of(said: str, option: str) -> float:
    """A span of time such as 90s, 30m, 24h or 7d in seconds; InputError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", said.strip().lower())
    if found is None or float(found[1]) <= 0:
        raise InputError(f"{option} takes a span of time, as in 30m, 24h or 7d, not {said!r}.")
    return float(found[1]) * _UNITS[found[2]]


def add_commands(app: typer.Typer, role: Role) -> None:
    """Gives a noun the commands that both nouns have."""
    add_installing(app, role)
    _add_running(app, role)
    _add_wishes(app, role)
    app.add_typer(_policy(role), name="policy")
    app.add_typer(_config(role), name="config")
    _add_notify(app, role)


def _add_running(app: typer.Typer, role: Role) -> None:
    @app.command()
    def start(background: Background = False) -> None:
        """Run this node: in this terminal until Ctrl-C, or in the background."""
        raise typer.Exit(run_node(role, background=background))

    @app.command()
    def stop() -> None:
        """Stop this node, and everything that it started."""
        stop_node(role)

    @app.command()
    def restart() -> None:
        """Have this node stop all it started and begin anew, with the settings as they are now."""
        daemon.restart(role)
        _say(f"The {role} begins anew. See how it is: bittrader {role} status")

    @app.command()
    def status(as_json: JsonOption = False) -> None:
        """Show how this node is, and why it uses as many cores as it does."""
        raise typer.Exit(show_status(role, as_json=as_json))

    @app.command()
    def verify(as_json: JsonOption = False) -> None:
        """Check everything that this node needs, and say what to do where something is wrong."""
        raise typer.Exit(verify_node(role, as_json=as_json))

    @app.command()
    def logs(
        follow: Annotated[bool, typer.Option("--follow", "-f", help="Show new lines as they come.")] = False,
        errors: Annotated[bool, typer.Option("--errors", help="Only what went wrong.")] = False,
        lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last lines.", min=0)] = _TAIL,
    ) -> None:
        """Show what this node did, and why."""
        for line in log_lines(log_file(role, errors=errors), lines, follow=follow):
            typer.echo(line)


def _add_wishes(app: typer.Typer, role: Role) -> None:
    @app.command()
    def pause(
        duration: Annotated[
            str | None, typer.Argument(metavar="[SPAN]", help="As in 30m or 8h; else until resumed.")
        ] = None,
    ) -> None:
        """Give the computer back: no core is used until you resume."""
        until = math.inf if duration is None else time.time() + seconds_of(duration, "pause")
        _wish(role, paused_until=until)
        _say("Paused" + (" until you resume it." if duration is None else f" for {duration}."))

    @app.command()
    def resume() -> None:
        """End a pause, and any number of cores that you had asked for."""
        _wish(role, paused_until=None, cores=None)
        _say("Resumed: the policy decides again.")

    @app.command(context_settings=_TAKES_NEGATIVE)
    def cores(
        number: Annotated[int, typer.Argument(metavar="N", help="Cores to use, 0 to all, whatever the policy says.")],
    ) -> None:
        """Use so many cores until you resume, whatever the policy says."""
        total = host.current().total_cores()
        if not 0 <= number <= total:
            raise InputError(f"this computer has {total} core{'s' * (total != 1)}: ask for 0 to {total}.")
        wishes = _wish(role, cores=number)
        paused = ", but the pause comes first" if wishes.is_paused(time.time()) else ""
        _say(f"{number} core{'s' * (number != 1)} until you resume the policy{paused}: bittrader {role} resume")


def _policy(role: Role) -> typer.Typer:
    policy = typer.Typer(no_args_is_help=True, add_completion=False, help="Who may use how many cores, and when.")

    @policy.command("show")
    def policy_show(as_json: JsonOption = False) -> None:
        """Show what this computer's policy is."""
        _show_settings(role, "policy.", as_json=as_json)

    @policy.command("set", context_settings=_TAKES_NEGATIVE)
    def policy_set(
        key: Annotated[str, typer.Argument(metavar="KEY", help="As `policy show` calls it.")],
        value: Annotated[str, typer.Argument(metavar="VALUE", help="`default` goes back to ours.")],
    ) -> None:
        """Change this computer's policy, from the next moment on."""
        _require_no_option(key, value)
        known = list(vars(NodePolicy()))
        if key not in known:
            see = f" All it has: bittrader {role} policy show"
            raise InputError(f"the policy has no {key!r}.{did_you_mean(key, known) or see}")
        config_file.set_key(folder_of(role), f"policy.{key}", None if value == "default" else value)
        _show_settings(role, f"policy.{key}", as_json=False)

    return policy


def _config(role: Role) -> typer.Typer:
    config = typer.Typer(no_args_is_help=True, add_completion=False, help="All settings of this node.")

    @config.command("show")
    def config_show(as_json: JsonOption = False) -> None:
        """Show every setting, and which of them you have changed."""
        _show_settings(role, "", as_json=as_json)

    @config.command("set", context_settings=_TAKES_NEGATIVE)
    def config_set(
        key: Annotated[str, typer.Argument(metavar="KEY", help="As `config show` calls it.")],
        value: Annotated[
            str, typer.Argument(metavar="VALUE", help="`default` goes back to ours; `-` reads it from the input.")
        ],
    ) -> None:
        """Change a setting. Those of policy, code, notify and node.cores count at once, others from the next start."""
        _require_no_option(key, value)
        said = _typed_in(key) if value == "-" else value
        config_file.set_key(folder_of(role), key, None if said == "default" else said)
        _show_settings(role, key, as_json=False)

    return config


def _require_no_option(*words: str) -> None:
    """InputError for a mistyped option, which would else be a key or a value: what may begin so is a number, or `-`."""
    for word in words:
        if re.match(r"-[^\d.]", word):
            raise InputError(f"there is no option {word}; --help lists them.")


def _typed_in(key: str) -> str:
    """A value from standard input, so that what is secret stands in no list of processes and no history of a shell."""
    if sys.stdin.isatty():
        return getpass(f"{key}: ")
    return sys.stdin.readline().rstrip("\r\n")


def _add_notify(app: typer.Typer, role: Role) -> None:
    @app.command()
    def notify(
        test: Annotated[bool, typer.Option("--test", help="Send a message by every way, and say if it went.")] = False,
        as_json: JsonOption = False,
    ) -> None:
        """Show what this node tells you without being asked, and by which ways."""
        if test:
            name = read_settings(folder_of(role)).node.shown_name
            raise typer.Exit(try_ways(role, name, as_json=as_json))
        _show_settings(role, "notify.", as_json=as_json)


def run_node(role: Role, *, background: bool) -> int:
    """Runs the node, and returns the exit code; in the background it returns once its daemon runs."""
    require_no_second_role(role)
    if not background:
        return daemon.run(role)
    if start_service(role):
        say_it_runs(role, "as a service")
        return 0
    pid = daemon.start_background(role)
    say_it_runs(role, f"in the background (process {pid})")
    return 0


def stop_node(role: Role) -> None:
    """Stops the node; ClusterError when it has not ended in time."""
    was_running = daemon.running(role) is not None
    if not daemon.stop(role):
        raise ClusterError(f"the {role} has not ended yet: look at `bittrader {role} logs`, and try again")
    _say(f"The {role} has stopped." if was_running else f"No {role} was running here.")


def show_status(role: Role, *, as_json: bool) -> int:
    """Prints how the node is; 0 when it runs, 1 when it does not."""
    state = daemon.running(role)
    if as_json:
        typer.echo(json.dumps({"role": role, "running": state is not None, "state": state and state.as_json()}))
    elif state is None:
        _say(_not_running(role))
    else:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold", no_wrap=True)
        table.add_column()
        for label, words in in_words(state, time.time()):
            table.add_row(label, escape(words))
        Console().print(table)
    return 0 if state is not None else 1


def _not_running(role: Role) -> str:
    """Why there is no status, and the command that leads on."""
    other = other_role(role)
    if daemon.running(other) is not None and read_identity(folder_of(role)) is None:
        return f"This computer is no {role}, but a {other}: bittrader {other} status"
    try:
        require_joined(folder_of(role), role)
    except NotJoinedError:
        return "This computer is in no cluster: bittrader worker join CODE"
    except ClusterError as error:
        return f"The worker does not run here: {error}"
    return f"The {role} does not run here. Start it: bittrader {role} start --background"


def log_file(role: Role, *, errors: bool) -> Path:
    """Where the node writes what it does, or only what went wrong."""
    folder = folder_of(role) / paths.LOGS
    return folder / ("head_error.log" if role == "head" else "worker_error.log") if errors else folder / f"{role}.log"


def log_lines(path: Path, last: int, *, follow: bool) -> Iterator[str]:
    """The last lines of a log, and with `follow` those that come, through rotations, until Ctrl-C."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
        if not follow:
            raise ClusterError(f"there is no log yet at {path}") from None
    yield from lines[len(lines) - last :] if last else []
    seen = path.stat() if path.exists() else None
    at = seen.st_size if seen else 0
    while follow:
        time.sleep(_LOOK_SECONDS)
        if not path.exists():
            continue
        now = path.stat()
        if seen is None or now.st_ino != seen.st_ino or now.st_size < at:
            at = 0
        seen = now
        with path.open(encoding="utf-8", errors="replace") as file:
            file.seek(at)
            for line in file:
                if line.endswith("\n"):
                    at += len(line.encode("utf-8", "replace"))
                    yield line.rstrip("\n")


def _wish(role: Role, **changes: object) -> Wishes:
    """Writes what the owner wants, for the daemon to see at its next turn, and returns all that is wanted now."""
    require_identity(folder_of(role), role)
    require_joined(folder_of(role), role)
    return ask(folder_of(role) / paths.WISHES, time.time(), **changes)


def _show_settings(role: Role, prefix: str, *, as_json: bool) -> None:
    settings = read_settings(folder_of(role))
    rows = [row for row in config_file.shown(settings) if row[0].startswith(prefix)]
    if as_json:
        typer.echo(json.dumps({key: value for key, value, _ in rows}))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("Setting", "Value", ""):
        table.add_column(name)
    for key, value, is_default in rows:
        shown = key.removeprefix("policy.") if prefix.startswith("policy.") else key
        table.add_row(shown, escape(config_file.in_words(value)), "" if is_default else "[cyan]yours[/cyan]")
    Console().print(table)


def _say(words: str) -> None:
    Console(stderr=True).print(words, soft_wrap=True, highlight=False)
