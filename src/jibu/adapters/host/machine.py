"""Processor, memory and disk through psutil."""

from __future__ import annotations

import time
from pathlib import Path

from jibu.domain.errors import Unavailable
from jibu.ports.mediation import Environment


class Machine:
    """Looks at the machine and this process. ``folder``: where the data is, for the disk."""

    def __init__(self, folder: Path) -> None:
        import psutil

        self._folder = folder
        self._process = psutil.Process()
        psutil.cpu_percent()  # the first look only starts the clock

    def look(self) -> Environment:
        """Return the figures of now. Raises: Unavailable."""
        import psutil

        try:
            memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(self._folder))
            return Environment(
                cpu_percent=psutil.cpu_percent(),
                cpus=psutil.cpu_count() or 1,
                load=round(psutil.getloadavg()[0], 2),
                memory_total=memory.total,
                memory_available=memory.available,
                process_memory=self._process.memory_info().rss,
                disk_total=disk.total,
                disk_free=disk.free,
                uptime_s=round(time.time() - self._process.create_time(), 1),
            )
        except (OSError, psutil.Error) as error:
            raise Unavailable("the machine's figures cannot be read") from error
