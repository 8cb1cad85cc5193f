"""Plain Ray on hosts of the lab, with the commands and variables that were found to work: the rig's own proof.

The cluster's software starts Ray in its own way; this shows what Ray alone does in such hosts.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.host import Host
    from tests.lab.shell import Done

PYTHON = Path(sys.prefix, "bin", "python")
RAY = Path(sys.prefix, "bin", "ray")

HEAD_PORT = 6379

# Every port that a node opens, or would open with more of Ray installed, so that a firewall can name them.
_PORTS = (
    "--node-manager-port=6380",
    "--object-manager-port=6381",
    "--runtime-env-agent-port=6382",
    "--dashboard-agent-listen-port=6383",
    "--dashboard-agent-grpc-port=6384",
    "--metrics-export-port=6385",
    "--min-worker-port=6400",
    "--max-worker-port=6499",
)
_LEAN = ("--include-log-monitor=false", "--disable-usage-stats")


def variables(host: Host, token: str = "a token of the lab's own") -> dict[str, str]:
    """What Ray and its drivers need in their environment on this host; the token's file is written as well."""
    file = host.home / "ray-token"
    file.touch(mode=0o600)
    file.write_text(token)
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(host.home_inside / file.name),
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        "RAY_health_check_period_ms": "1000",
        "RAY_health_check_timeout_ms": "2000",
        "RAY_health_check_failure_threshold": "4",
    }


def start_head(host: Host, *, cpus: int = 1, store_bytes: int = 200_000_000) -> Done:
    """Starts the head, without its dashboard; returns when it serves."""
    words = ["--head", f"--port={HEAD_PORT}", "--include-dashboard=false"]
    return _start(host, words, cpus, store_bytes)


def start_node(host: Host, head: Host, *, cpus: int = 1, store_bytes: int = 200_000_000) -> Done:
    """Starts a node of that head."""
    return _start(host, [f"--address={head.address}:{HEAD_PORT}"], cpus, store_bytes)


def drive(host: Host, program: str, timeout: float = 120) -> str:
    """What a program prints that runs on a host where Ray runs."""
    return host.succeed([str(PYTHON), "-c", program], timeout, variables=variables(host))


def _start(host: Host, words: list[str], cpus: int, store_bytes: int) -> Done:
    own = [f"--node-ip-address={host.address}", f"--num-cpus={cpus}", f"--object-store-memory={store_bytes}"]
    return host.run([str(RAY), "start", *words, *own, *_PORTS, *_LEAN], 120, variables=variables(host))
