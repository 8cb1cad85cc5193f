"""`install`: the plan is shown, its owner asked, and what was done written down; with `uninstall`, for both nouns."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from bittrader.cli.asking import Asked, ask, confirm, is_terminal, numbered, say
from bittrader.cli.joining import as_before_if_it_fails, check_here, join_here
from bittrader.cli.options import JsonOption
from bittrader.cli.services import services_of, wait_until_up
from bittrader.cli.uninstalling import uninstall_node
from bittrader.cluster import config_file, daemon, environments, inviting
from bittrader.cluster.identity import Role, folder_of
from bittrader.cluster.invite import read_code
from bittrader.cluster.network import no_way_in_words, way
from bittrader.cluster.roles import has_joined
from bittrader.cluster.settings import read_settings
from bittrader.errors import BittraderError, ClusterError, InputError, InstallError
from bittrader.host import current
from bittrader.install import apply
from bittrader.install.facts import Facts, environment_here, facts_of, owner_here, receipt_of
from bittrader.install.machine import Here, Machine, Owner, hand_over, keep_others_out
from bittrader.install.plan import Plan, plan, require_no_rival
from bittrader.install.receipt import Choices, Receipt
from bittrader.install.systemd import Scope
from bittrader.install.turns import alone

_JOIN_VARIABLE = "BITTRADER_JOIN"
"""Also without the bootstrap script: no list of processes shows it."""
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: what is not said is as its default.")]
ScopeOption = Annotated[
    Scope | None,
    typer.Option("--scope", help="Linux: a service of yours, or of the computer (the default with sudo)."),
]
FirewallOption = Annotated[
    bool | None,
    typer.Option("--firewall/--no-firewall", help="Open this node's ports to the VPN or the local network."),
]
LoginOption = Annotated[
    bool | None, typer.Option("--start-at-login/--no-start-at-login", help="Start it by itself, as is the default.")
]
CoresOption = Annotated[int | None, typer.Option("--cores", metavar="N", help="How many cores at most.", min=1)]
EnvironmentOption = Annotated[
    Path | None, typer.Option("--environment", metavar="FOLDER", help="What to run it from; else where this runs from.")
]
JoinOption = Annotated[
    str | None,
    typer.Option("--join", metavar="CODE", envvar=_JOIN_VARIABLE, help="Join with what `head invite` printed."),
]
StudiesOption = Annotated[
    bool | None,
    typer.Option("--keep-studies/--delete-studies", help="Keep candles, studies and reports, as is the default."),
]


def add_installing(app: typer.Typer, role: Role) -> None:
    """Gives a noun the two commands."""
    if role == "head":

        @app.command("install")
        def install_head(
            dry_run: DryRun = False,
            yes: Yes = False,
            scope: ScopeOption = None,
            firewall: FirewallOption = None,
            start_at_login: LoginOption = None,
            cores: CoresOption = None,
            environment: EnvironmentOption = None,
            as_json: JsonOption = False,
        ) -> None:
            """Make this computer a head that starts by itself, after showing what that changes."""
            asked = Asked(dry_run, yes, as_json, scope, firewall, start_at_login, cores, environment)
            install_node("head", asked)

    else:

        @app.command("install", context_settings={"allow_extra_args": True})
        def install_worker(
            context: typer.Context,
            dry_run: DryRun = False,
            yes: Yes = False,
            join: JoinOption = None,
            scope: ScopeOption = None,
            firewall: FirewallOption = None,
            start_at_login: LoginOption = None,
            cores: CoresOption = None,
            environment: EnvironmentOption = None,
            as_json: JsonOption = False,
        ) -> None:
            """Make this computer a worker that starts by itself, after showing what that changes."""
            if context.args:
                raise InputError("a word alone is not understood (it is not shown: a code is secret): say --join CODE.")
            os.environ.pop(_JOIN_VARIABLE, None)  # what is started from here need not know it
            asked = Asked(dry_run, yes, as_json, scope, firewall, start_at_login, cores, environment, join)
            install_node("worker", asked)

    @app.command("uninstall")
    def uninstall(
        dry_run: DryRun = False, yes: Yes = False, keep_studies: StudiesOption = None, as_json: JsonOption = False
    ) -> None:
        """Stop this node, and remove everything that its installation made."""
        raise typer.Exit(uninstall_node(role, dry_run=dry_run, yes=yes, keep=keep_studies, as_json=as_json))


def install_node(role: Role, asked: Asked) -> None:
    """Installs a node, or shows what that would do."""
    owner = owner_here()
    folder = folder_of(role).absolute()
    if not asked.dry_run:
        keep_others_out()
        hand_over(folder, owner)
    machine = Here(owner, "asks" if is_terminal() else "silent")
    with nullcontext() if asked.dry_run else alone(folder):
        _install(role, asked, machine, owner, folder)


def _install(role: Role, asked: Asked, machine: Machine, owner: Owner, folder: Path) -> None:
    receipt = receipt_of(role, machine, owner)
    facts = facts_of(role, machine, owner)
    if receipt.is_new:
        require_no_rival(facts)
    environment = _environment(asked, facts)
    _require_code(role, asked)
    answers = ask(asked, facts, receipt) if asked.may_ask else asked
    choices = _choices(answers, facts, receipt)
    planned = plan(facts, choices, environment)
    steps = apply.steps(receipt, planned.changes)
    if not asked.as_json:
        _show(role, steps, planned)
    if asked.dry_run:
        if asked.as_json:
            typer.echo(json.dumps(_as_json(role, steps, planned, dry_run=True)))
        return
    _consent(asked, is_needed=any(one.what != "keep" for one in steps))
    undone = _tell_undone(asked)
    with as_before_if_it_fails(role, undone), _made_way(role, receipt):
        _prepare(role, answers)
        apply.install(receipt, planned.changes, choices, environment, lambda change: undone(change.words))
    is_up = wait_until_up(role) if services_of(receipt) else daemon.running(role) is not None
    is_well = is_up or not services_of(receipt)
    if is_well:
        _let_go_of_old(folder, environment, answers)
    code = _first_code() if role == "head" and is_well else None
    if asked.as_json:
        typer.echo(json.dumps({**_as_json(role, steps, planned, dry_run=False), "up": is_up, "join": code}))
    if not is_well:
        raise InstallError(f"the {role} is installed, and has not begun yet: look at `bittrader {role} logs`")
    if not asked.as_json:
        _say_done(role, code, is_up=is_up)


def _environment(asked: Asked, facts: Facts) -> str:
    """The environment to run from; InputError if there is no Python in it."""
    environment = Path(asked.environment or environment_here()).expanduser().absolute()
    python = environment / ("Scripts/python.exe" if facts.system == "Windows" else "bin/python")
    if not python.exists():
        raise InputError(f"--environment {environment} is no Python environment: {python} is not there.")
    return str(environment)


def _choices(asked: Asked, facts: Facts, receipt: Receipt) -> Choices:
    """What is wanted: as said, else as it was, else the defaults."""
    before = receipt.choices if not receipt.is_new else Choices(scope="system" if facts.is_root else "user")
    return Choices(
        scope=asked.scope or before.scope,
        start_at_login=before.start_at_login if asked.at_login is None else asked.at_login,
        firewall=before.firewall if asked.firewall is None else asked.firewall,
    )


def _consent(asked: Asked, *, is_needed: bool) -> None:
    if asked.may_ask:
        if is_needed and not confirm("Go on?", default=True):
            say("You said no: nothing was changed.")
            raise typer.Exit(1)
    elif not asked.yes:
        raise InputError("nobody is here to be asked: say --yes, or look first with --dry-run")


def _require_code(role: Role, asked: Asked) -> None:
    """InputError or ClusterError where the code is missing that a worker needs, or its head does not take it."""
    if role == "head" or has_joined():
        return
    if asked.join is not None:
        check = read_code if asked.dry_run else check_here
        check(asked.join)
    elif not (asked.may_ask or asked.dry_run):
        raise InputError("this computer has joined no cluster: say --join CODE, from `bittrader head invite`.")


def _prepare(role: Role, asked: Asked) -> None:
    """What is no change of the computer: settings, and the cluster."""
    if role == "worker" and not has_joined():
        name, head = join_here(asked.join or "")
        say(f"{escape(name)} has joined the cluster of {escape(head)}.")
    elif asked.join is not None:
        say("This computer has joined a cluster already: the code was not used.")
    if asked.cores is not None:
        config_file.set_key(folder_of(role), "node.cores", str(asked.cores))


@contextmanager
def _made_way(role: Role, receipt: Receipt) -> Iterator[None]:
    """Ends a daemon that was started by hand, whose place a service takes; where none does, it runs again."""
    is_by_hand = not services_of(receipt) and daemon.running(role) is not None
    if is_by_hand and not daemon.stop(role):
        raise ClusterError(f"the {role} that was started by hand does not end: look at `bittrader {role} logs`")
    try:
        yield
    finally:
        if is_by_hand and not services_of(receipt):
            _start_again(role)


def _start_again(role: Role) -> None:
    try:
        daemon.start_background(role)
    except (BittraderError, OSError) as error:
        say(f"The {role} that was started by hand was stopped, and does not start again: {escape(str(error))}")
    else:
        say(f"The {role} that was started by hand runs again, in the background.")


def _tell_undone(asked: Asked) -> Callable[[str], None]:
    def tell(words: str) -> None:
        if not asked.as_json:
            say(f"  taken back: {escape(words)}")

    return tell


def _let_go_of_old(folder: Path, environment: str, asked: Asked) -> None:
    """Removes the environments of earlier versions, but for those that something runs from."""
    with suppress(OSError):  # a full disk: they stay until the next installation
        environments.retire_all_but(Path(environment), folder)
    for one in environments.remove_retired(folder):
        if not asked.as_json:
            say(f"Something still runs from {escape(str(one))}, an earlier version. It is removed when that has ended,")
            say("by the next start of this node.")


def _show(role: Role, steps: Sequence[apply.Step], planned: Plan) -> None:
    todo = [one for one in steps if one.what != "keep"]
    if todo:
        numbered(f"Installing the {role} will", [_in_words(one) for one in todo])
    else:
        say(f"The {role} is installed, and nothing of it is missing.")
    for note in planned.notes:
        say(f"[yellow]Note:[/yellow] {escape(note)}.")


def _in_words(step: apply.Step) -> str:
    if step.what == "undo":
        return step.change.undo_words
    return f"{step.change.words}{' (again)' if step.what == 'redo' else ''}"


def _say_done(role: Role, code: str | None, *, is_up: bool) -> None:
    if is_up:
        say(f"[green]The {role} is installed, and runs.[/green] See how it is: bittrader {role} status")
    else:
        say(f"[green]The {role} is installed.[/green] Start it: bittrader {role} start --background")
    if shutil.which("bittrader") is None:
        say(_how_to_call_it(role))
    if code is not None:
        say("On another computer, within 24 hours (for more of them: bittrader head invite). Where Bittrader is not")
        say("installed yet, its installer asks for the code, which is the last word here:")
        typer.echo(f"bittrader worker join {code}")


def _how_to_call_it(role: Role) -> str:
    """What to type where the shell does not find the program by its name."""
    launcher = folder_of(role).absolute() / "bin" / ("bittrader.cmd" if current().name == "Windows" else "bittrader")
    later = "" if current().name == "Windows" else " (or log out and in: most systems find it then)"
    return f"This terminal does not find the word bittrader{later}. Type instead: {escape(str(launcher))}"


def _as_json(role: Role, steps: Sequence[apply.Step], planned: Plan, *, dry_run: bool) -> dict[str, object]:
    changes = [{"do": one.what, "kind": one.change.kind, "words": one.change.words} for one in steps]
    return {"role": role, "dry_run": dry_run, "changes": changes, "notes": list(planned.notes)}


def _first_code() -> str | None:
    """A join code for the first worker; None once there is one, or while this computer is in no network."""
    folder = folder_of("head")
    if inviting.members(folder):
        return None
    network = read_settings(folder).network
    try:
        found = way(current().addresses(), network)
    except ClusterError:
        found = None
    if found is None:
        say(f"No join code yet: {escape(no_way_in_words(network))}")
        return None
    return inviting.invite(folder, found.addresses, network.ports.meeting, time.time()).code
