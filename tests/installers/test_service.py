"""The unit file in the zip is the one that an installation writes."""

from __future__ import annotations

from pathlib import Path

from bittrader.install import systemd

SHOWN = Path(__file__).parents[2] / "installers" / "linux" / "bittrader-worker.service"


def test_the_service_that_is_shown_is_the_one_that_is_written() -> None:
    folder = "/home/YOU/.bittrader_worker"
    program = (f"{folder}/envs/VERSION/bin/python", "-m", "bittrader.cluster.daemon", "worker")
    written = systemd.unit(systemd.Service("worker", "system", program, folder, "YOU", "/home/YOU", 252))
    lines = SHOWN.read_text().splitlines(keepends=True)
    assert "".join(line for line in lines if not line.startswith("#")) == written
