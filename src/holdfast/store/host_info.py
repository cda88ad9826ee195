"""``sys/host-info``: what the machine is like on which the answering process runs."""

import os
import platform
from pathlib import Path
from typing import Any

from holdfast.clock import rfc3339
from holdfast.formats.strict_json import encode
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.visit import Visit

_KIB = 1024


def _read(visit: Visit) -> Answer:
    load = os.getloadavg()
    return Answer(
        data=encode(
            {
                "timestamp": rfc3339(visit.now),
                "host": {
                    "hostname": hostname(),
                    "os": platform.system().lower(),
                    "kernelVersion": platform.release(),
                    "kernelArch": platform.machine(),
                    "uptime": _uptime(),
                    "load": {"load1": load[0], "load5": load[1], "load15": load[2]},
                },
                "memory": _memory(),
                "cpu": [{"cpu": number} for number in sorted(os.sched_getaffinity(0))],
                "cpu_times": None,
                "disk": None,
            }
        )
    )


def hostname() -> str:
    """Return what the machine is called."""
    return platform.node()


def _uptime() -> int:
    return int(float(_first_line("/proc/uptime").split()[0]))


def _memory() -> dict[str, Any]:
    sizes = {}
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        sizes[name] = int(rest.split()[0]) * _KIB
    total, available = sizes["MemTotal"], sizes["MemAvailable"]
    return {
        "total": total,
        "available": available,
        "free": sizes["MemFree"],
        "used": total - available,
        "usedPercent": round(100 * (total - available) / total, 2),
    }


def _first_line(path: str) -> str:
    return Path(path).read_text(encoding="ascii").partition("\n")[0]


HOST_ROUTES = (Route("sys/host-info", Operation.READ, _read),)
