"""SQLite is kept off network file systems, by the mount that holds the path."""

from __future__ import annotations

import pytest

from llm_research_lab.storage.relational.filesystems import refuse_network, type_of
from llm_research_lab.vocabulary import InvalidError

MOUNTS = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:26 / /home rw - nfs4 server:/home rw
31 30 0:27 / /home/local rw shared:2 master:1 - xfs /dev/sdb rw
32 22 0:28 / /mnt/with\040space rw - fuse.sshfs host:/ rw
33 22 0:29 / /twice rw - nfs a rw
34 22 0:30 / /twice rw - ext4 b rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lab", "ext4"),
        ("/home/ann/lab", "nfs4"),
        ("/home/local/lab", "xfs"),
        ("/homework", "ext4"),
        ("/mnt/with space/lab", "fuse.sshfs"),
        ("/twice", "ext4"),
    ],
)
def test_the_longest_mount_that_holds_the_path_says_its_type(path, kind):
    assert type_of(path, MOUNTS) == kind


def test_nothing_is_known_without_mounts():
    assert type_of("/var", "") is None


def test_a_database_on_a_network_file_system_is_refused(tmp_path):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 0:1 / {tmp_path} rw - nfs server:/ rw\n")
    with pytest.raises(InvalidError, match="nfs, a network file system"):
        refuse_network(tmp_path / "lab.db", mounts)


def test_a_local_one_and_an_unknown_one_are_not(tmp_path):
    mounts = tmp_path / "mountinfo"
    mounts.write_text("1 0 0:1 / / rw - ext4 /dev/sda rw\n")
    refuse_network(tmp_path / "lab.db", mounts)
    refuse_network(tmp_path / "lab.db", tmp_path / "no such file")
