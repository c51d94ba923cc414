"""Who is sending: a name for this process that others can test for life, so that a crash is told from a busy peer.

The name holds what tells one process from every other on this machine: boot, PID namespace, pid, start time. Where
the system does not say them (no /proc), the pid alone decides.
"""

import ctypes
import hashlib
import os
import sys
from pathlib import Path


def name_this_process() -> str:
    """The name of this process."""
    return f"{_name_machine()}/{os.getpid()}/{_read_start_time(os.getpid())}"


def name_timeline(owner: str) -> str:
    """A short name of the clock by which a process stamps: that of its machine, since it was started."""
    boot = owner.partition("/")[0].partition(":")[0]
    return hashlib.sha256(boot.encode()).hexdigest()[:8]


def read_pid(owner: str) -> int:
    """The process id in a name; 0 if there is none."""
    pid = owner.partition("/")[2].partition("/")[0]
    return int(pid) if pid.isdigit() else 0


def is_alive(owner: str) -> bool:
    """Whether the process of that name still runs. One on another boot is gone; one in another PID namespace
    cannot be looked at and is taken for gone, too.
    """
    machine, _, rest = owner.partition("/")
    pid, _, started = rest.partition("/")
    if machine != _name_machine() or not pid.isdigit() or not _is_running(int(pid)):
        return False
    return _read_start_time(int(pid)) == started


def _name_machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return "this"


def _read_start_time(pid: int) -> str:
    """Start time in clock ticks since boot, field 22 of /proc/PID/stat; the name in field 2 may hold anything.

    A zombie sends nothing more: its time is not the one that it had.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "zombie" if fields[0] == "Z" else fields[19]


def _is_running(pid: int) -> bool:
    if sys.platform == "win32":
        return _is_running_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_running_on_windows(pid: int) -> bool:
    """os.kill would end the process there."""
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - the name exists on Windows only
    handle = kernel.OpenProcess(0x1000, False, pid)
    if handle:
        kernel.CloseHandle(handle)
    return bool(handle)
