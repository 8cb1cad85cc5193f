"""`python -m bittrader.notify`: sends the post on its input, says on its output what became of each way, and ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Lock, Thread, stack_size
from typing import TYPE_CHECKING

from bittrader import host
from bittrader.errors import cause_of
from bittrader.notify.desktop import desktop_command, session_bus
from bittrader.notify.posting import DESKTOP, SEND_SECONDS, Outcome, Post
from bittrader.notify.urls import send_to_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from bittrader.notify.message import Message

_SAYING = Lock()
_MOST_BYTES, _STACK_BYTES = 2**29, 2**20


def main() -> None:
    """Takes each way in a thread of its own, so that a server that never answers keeps nobody else waiting."""
    _limit_memory()
    post = Post.from_json(sys.stdin.read())
    ways: dict[str, Callable[[], str]] = {DESKTOP: lambda: _show(post.message)} if post.desktop else {}
    for way, url in post.urls.items():
        ways[way] = _sending(url, post.message)
    threads = {way: Thread(target=_take, args=(way, send), daemon=True) for way, send in ways.items()}
    for thread in threads.values():
        thread.start()
    end = time.monotonic() + post.seconds
    for way, thread in threads.items():
        thread.join(max(end - time.monotonic(), 0.0))
        if thread.is_alive():
            _say(Outcome(way, f"no answer after {post.seconds:.0f} s"))
    os._exit(0)  # a thread that still waits for a server is not waited for


def _limit_memory() -> None:
    """Has this process fail, and not the computer, when a service answers without end."""
    with suppress(ImportError, ValueError, OSError):  # on Windows; where less is allowed already
        import resource  # noqa: PLC0415 - not on every system

        stack_size(_STACK_BYTES)
        resource.setrlimit(resource.RLIMIT_DATA, (_MOST_BYTES, _MOST_BYTES))


def _sending(url: str, message: Message) -> Callable[[], str]:
    return lambda: send_to_url(url, message)


def _take(way: str, send: Callable[[], str]) -> None:
    try:
        failure = send()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the other ways go on
        failure = cause_of(error)
    _say(Outcome(way, failure))


def _show(message: Message) -> str:
    """Why a message could not be shown on the desktop; nothing when it was."""
    bus = Path(f"/run/user/{os.getuid()}/bus") if hasattr(os, "getuid") else Path()
    address = session_bus(os.environ, str(bus), is_there=bus.is_socket())
    command = desktop_command(host.current().name, message, shutil.which, address)
    if isinstance(command, str):
        return command
    run = subprocess.run(  # noqa: S603 - the system's own program
        command.words,
        env={**os.environ, **command.variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=SEND_SECONDS,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    if run.returncode == 0:
        return ""
    lines = (run.stderr or run.stdout).decode("utf-8", "replace").split("\n")
    said = next((line.strip() for line in lines if line.strip()), f"exit code {run.returncode}")
    return f"{Path(command.words[0]).name}: {said}"


def _say(outcome: Outcome) -> None:
    with _SAYING:
        sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
