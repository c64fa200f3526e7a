"""`python -m workers`: one worker, as `make run`, the containers and the tests start it.

`WORKER_QUEUES` (default `cpu`) and `WORKER_PROCESSES` (default: one a core, two at most, since each takes up to 2 GB).
"""

from __future__ import annotations

import os

from ml.metrics.process_pool import usable_cores
from palmares.local.data_folders import UMASK
from workers.watchdog import watch


def main() -> None:
    """Run until told to stop."""
    os.umask(UMASK)
    cores = usable_cores()
    processes = int(os.environ.get("WORKER_PROCESSES", "0")) or max(1, min(2, cores))
    # Before anything imports numpy or torch: each process takes its share of the cores.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // processes)))
    from workers.app import app, served_queues  # noqa: PLC0415

    queues = served_queues()
    watch(queues)
    flags = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--pool=prefork"]
    app.worker_main(
        ["worker", "-Q", ",".join(queues), "-c", str(processes), "--loglevel", os.environ.get("LOG_LEVEL", "INFO"), *flags]
    )


if __name__ == "__main__":
    main()
