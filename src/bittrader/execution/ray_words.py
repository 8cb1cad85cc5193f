"""What Ray's errors mean to a user, each in one line."""

from __future__ import annotations

from bittrader.errors import cause_of

_PROCESS_DIED = "its worker process has died"
_NODE_DIED = "its node has died"
_AT_ITS_BEGINNING = "raised in its creation task"


def why_not_connected(error: BaseException, gcs: str) -> str:
    """Why Ray cannot be reached."""
    chain = [error]
    while (before := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(before)
    told = " ".join(str(one) for one in chain)
    if "InvalidAuthToken" in told:
        return "the head: it takes another token than this computer has. Join the cluster again"
    if "Failed to connect" in told:
        return f"the head: it does not answer at {gcs}"
    return f"the head: {cause_of(error)}"


def why_dead(error: BaseException) -> tuple[str, bool]:
    """Why an actor is no more, and whether its process died by itself, while its node goes on."""
    told = str(error)
    if _PROCESS_DIED in told:
        return "its process died", True
    if _NODE_DIED in told:
        return "its Ray node died", False
    return cause_of(error), False


def why_not_started(error: BaseException) -> str:
    """Why an actor cannot start, or does not understand what it is asked."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if _AT_ITS_BEGINNING in str(error) and lines:
        return f"it cannot start here: {lines[-1]}"
    return why_dead(error)[0]
