"""Where a result file may lie: the default path, and folders on which SQLite's write-ahead log is not safe.

WAL needs memory shared between the processes of one machine: on network file systems and in folders that a cloud
service copies behind our back it loses data (https://www.sqlite.org/wal.html). Told by mount table and folder name,
as far as they say.
"""

import logging
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from platformdirs import user_data_dir

from byok_bench.endpoints.book import locate_home
from byok_bench.errors import StoreError

FILE_NAME: Final = "bench.sqlite"
_NETWORK_TYPES: Final = frozenset(
    {
        "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "ncpfs", "ceph", "glusterfs", "lustre", "beegfs",
        "gpfs", "davfs", "orangefs", "pvfs2", "panfs", "wekafs", "coda", "vboxsf", "vmhgfs", "prl_fs",
        "fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.gcsfuse", "fuse.glusterfs", "fuse.davfs2", "fuse.ceph",
        "fuse.ceph-fuse", "fuse.goofys", "fuse.mountpoint-s3", "fuse.juicefs", "fuse.blobfuse", "fuse.blobfuse2",
        "fuse.gvfsd-fuse", "fuse.smbnetfs", "fuse.curlftpfs", "fuse.mfs", "fuse.vmhgfs-fuse", "fuse.grpcfuse",
    }
)  # fmt: skip
"""Where processes of two machines, or of a guest and its host, may have one file open."""
_SYNCED_FOLDERS: Final = (
    "Dropbox",
    "OneDrive",
    "Google Drive",
    "GoogleDrive",
    "Mobile Documents",
    "CloudStorage",
    "iCloudDrive",
    "Nextcloud",
    "ownCloud",
    "pCloudDrive",
    "SynologyDrive",
)


def locate_store(given: str | os.PathLike[str] | None) -> Path:
    """The result file: as given, else `bench.sqlite` in $BYOK_BENCH_HOME, else in the platform's data folder.

    One that an earlier version kept in the config folder is moved there first, with a line in the log.
    """
    if given is not None:
        return Path(given).expanduser().absolute()
    before = locate_home().absolute() / FILE_NAME
    if os.environ.get("BYOK_BENCH_HOME"):
        return before
    now = Path(user_data_dir("byok-bench")).absolute() / FILE_NAME
    return now if now.exists() or not before.is_file() else _move_store(before, now)


def _move_store(before: Path, now: Path) -> Path:
    """Where the file is afterwards: one that some process has open stays, and is moved another time."""
    try:
        with closing(sqlite3.connect(before, isolation_level=None, timeout=0)) as db:
            # Only the last connection of a file may leave WAL mode; its log is folded in by that.
            db.execute("pragma journal_mode = delete")
        now.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.move(before, now)
    except (sqlite3.Error, OSError):
        return before
    logging.getLogger("byok_bench").warning("results were moved from %s to %s", before, now)
    return now


def check_result_folder(path: Path, mounts: str | None = None) -> None:
    """Raise StoreError if a file there could lose data. `mounts` is /proc/self/mountinfo, read if not given."""
    resolved = path.resolve()
    synced = next((part for part in resolved.parent.parts if part.startswith(_SYNCED_FOLDERS)), None)
    if synced:
        _refuse_path(path, f"{synced} is copied by a cloud service while it is written")
    kind = find_file_system(resolved, _read_mounts() if mounts is None else mounts)
    if kind in _NETWORK_TYPES:
        _refuse_path(path, f"it is on a network file system ({kind})")


def find_file_system(path: Path, mounts: str) -> str | None:
    """Type of the file system that holds an absolute path, by the longest mount point; None if the table is empty."""
    best: tuple[int, str] | None = None
    for line in mounts.splitlines():
        front, dash, back = line.partition(" - ")
        fields = front.split(" ")
        if not dash or len(fields) < 5:
            continue
        point = Path(_unescape(fields[4]))
        if path.is_relative_to(point) and (best is None or len(point.parts) >= best[0]):
            best = (len(point.parts), back.split(" ")[0])
    return best[1] if best else None


def _read_mounts() -> str:
    try:
        return Path("/proc/self/mountinfo").read_text(errors="replace")
    except OSError:
        return ""  # not Linux: nothing to tell it by


def _unescape(field: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, character)
    return field


def _refuse_path(path: Path, why: str) -> None:
    raise StoreError(
        f"results cannot be kept in {path}: {why}; name a file on a local disk with --store PATH",
        code="unsafe_folder",
    )
