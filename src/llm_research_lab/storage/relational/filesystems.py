"""SQLite's locks and shared memory do not hold on network file systems: those are refused."""

from __future__ import annotations

import re
from pathlib import Path

from llm_research_lab.vocabulary import InvalidError

MOUNTS = Path("/proc/self/mountinfo")

_NETWORK = (
    "9p afs beegfs ceph cifs coda davfs fuse.ceph fuse.davfs fuse.gcsfuse fuse.glusterfs"
    " fuse.goofys fuse.rclone fuse.s3fs fuse.sshfs gfs2 glusterfs gpfs lustre ncpfs nfs nfs4"
    " ocfs2 orangefs pvfs2 smb2 smb3 smbfs"
)
NETWORK = frozenset(_NETWORK.split())
"""Types by their names in /proc. Source: sqlite.org/wal.html (all processes on one host)."""

_OCTAL = re.compile(r"\\([0-7]{3})")


def type_of(path: str, mountinfo: str) -> str | None:
    """Name the type of the file system that holds an absolute path; None when nothing says.

    The longest mount point that contains the path wins, the later one among equals.
    Source: proc_pid_mountinfo(5).
    """
    longest, found = -1, None
    for line in mountinfo.splitlines():
        head, separator, tail = line.partition(" - ")
        fields = head.split(" ")
        if not separator or len(fields) < 5:  # noqa: PLR2004 - the mount point is the fifth
            continue
        point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4]).rstrip("/")
        if (path == point or path.startswith(point + "/")) and len(point) >= longest:
            longest, found = len(point), tail.split(" ", 1)[0]
    return found


def refuse_network(path: Path, mounts: Path = MOUNTS) -> None:
    """Raise InvalidError when the file's directory is on a network file system.

    Where there is no list of mounts (not Linux), nothing is refused.
    """
    try:
        mountinfo = mounts.read_text(errors="surrogateescape")
    except OSError:
        return
    kind = type_of(str(path.parent.resolve()), mountinfo)
    if kind in NETWORK:
        raise InvalidError(
            f"data directory {path.parent}",
            "a local file system",
            f"{kind}, a network file system",
            "choose a directory on a local disk, or keep the data in PostgreSQL",
        )
