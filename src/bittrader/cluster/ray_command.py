"""How `ray start` is called: every port fixed, nobody without the token, nothing sent to anybody."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bittrader.execution.ray_names import ALLOWANCE, NAME_LABEL, NODE_LABEL, SYNCED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bittrader.cluster.seen import Place
    from bittrader.cluster.settings import Health, Settings

_MEGABYTE = 10**6
_STORE_SHARE, _STORE_LEAST, _STORE_MOST = 0.1, 200 * _MEGABYTE, 2000 * _MEGABYTE
_LOG_BYTES, _LOGS_KEPT = 5 * _MEGABYTE, 2


@dataclass(frozen=True)
class RayNode:
    """What does not change about a node's Ray from start to start."""

    head: bool
    node: str
    name: str
    cores: int
    memory_bytes: int
    settings: Settings
    temp_dir: Path
    token: Path
    allowance: Path
    synced: Path
    """Where it stands which folder holds the owner's own strategies."""
    flags: Mapping[str, str]
    """What Ray needs on this system."""
    tls: Mapping[str, str]
    """What makes Ray encrypt; used where the place says so."""


def command(ray: RayNode, place: Place) -> list[str]:
    """The words that start this node's Ray at a place."""
    ports = ray.settings.network.ports
    # The head's own dashboard needs packages that we do not install, its autoscaler has nothing to scale.
    where = (
        ["--head", f"--port={ports.gcs}", "--include-dashboard=false", "--no-monitor"]
        if ray.head
        else [f"--address={place.gcs}"]
    )
    return [
        *(sys.executable, "-m", "ray.scripts.scripts", "start", *where),
        f"--node-ip-address={place.address}",
        f"--node-manager-port={ports.node_manager}",
        f"--object-manager-port={ports.object_manager}",
        f"--runtime-env-agent-port={ports.runtime_env_agent}",
        f"--metrics-export-port={ports.metrics}",
        f"--dashboard-agent-listen-port={ports.dashboard_agent_http}",
        f"--dashboard-agent-grpc-port={ports.dashboard_agent_grpc}",
        f"--min-worker-port={ports.first_worker}",
        f"--max-worker-port={ports.last_worker}",
        f"--num-cpus={ray.cores}",
        "--num-gpus=0",
        f"--object-store-memory={store_bytes(ray.memory_bytes)}",
        f"--labels={NODE_LABEL}={ray.node}{_name_label(ray.name)}",
        f"--temp-dir={ray.temp_dir}",
        "--include-log-monitor=false",
        "--disable-usage-stats",
        "--log-style=record",
        "--log-color=false",
    ]


def _name_label(name: str) -> str:
    """What Ray is told of a node's name: of letters, digits and `.-_`, which is all that a label may hold."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:63].strip("._-")
    return f",{NAME_LABEL}={safe}" if safe else ""


def environment(ray: RayNode, place: Place) -> dict[str, str]:
    """What Ray's processes must find in their environment, beside what the daemon's own holds."""
    return {
        **driver_environment(ray, place),
        **_health(ray.settings.health),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ROTATION_MAX_BYTES": str(_LOG_BYTES),
        "RAY_ROTATION_BACKUP_COUNT": str(_LOGS_KEPT),
        ALLOWANCE: str(ray.allowance),
        SYNCED: str(ray.synced),
    }


def driver_environment(ray: RayNode, place: Place) -> dict[str, str]:
    """What a program needs in its environment to use this Ray."""
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(ray.token),
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # else Ray would copy the driver's environment and folder to the workers
        **(ray.tls if place.encrypted else {"RAY_USE_TLS": "0"}),
        **ray.flags,
    }


def store_bytes(memory_bytes: int) -> int:
    """How large Ray's object store is: candles and results travel through it, and they are small."""
    return int(min(max(_STORE_SHARE * memory_bytes, _STORE_LEAST), _STORE_MOST))


def _health(health: Health) -> dict[str, str]:
    return {
        "RAY_health_check_period_ms": str(round(health.period_seconds * 1000)),
        "RAY_health_check_timeout_ms": str(round(health.timeout_seconds * 1000)),
        "RAY_health_check_initial_delay_ms": str(round(health.period_seconds * 1000)),
        "RAY_health_check_failure_threshold": str(health.failures),
    }
