"""Where targets come from: a list, files that may change, names that DNS answers.

A source that cannot be read keeps what it last had; the error is told beside it.

Source: Prometheus, discovery/file/file.go and discovery/dns/dns.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from glob import glob
from pathlib import Path
from typing import Protocol

from llm_research_lab.documents.fields import Place
from llm_research_lab.documents.readers import list_of, mapping_of
from llm_research_lab.documents.yaml import read_yaml
from llm_research_lab.scrape.jobs import Files, Group, Job, Names, RecordType
from llm_research_lab.scrape.resolving import addresses, services
from llm_research_lab.scrape.scalars import labels, optional, texts
from llm_research_lab.vocabulary import Finding, LabError
from llm_research_lab.vocabulary.labels import labels_of

FILE_POLL_MS = 5_000
"""Files are looked at so often, whatever their refresh: Prometheus is told of changes at once."""

MOST_BYTES = 16 << 20
MOST_VALUES = 500_000

_read_groups = list_of(
    mapping_of((optional("targets", texts), optional("labels", labels))), 0, 100_000
)

Records = Sequence[tuple[str, int]]
"""Hosts or addresses, each with the record's port (0 for an address)."""


def resolved(name: str, kind: RecordType) -> Records:
    """Ask DNS. Blocks; raises OSError."""
    return services(name) if kind == "SRV" else addresses(name, kind)


class Discovery(Protocol):
    """Gives a job's groups whenever it is asked; `error` is what went wrong the last time."""

    every_ms: int
    error: str

    def groups(self) -> tuple[Group, ...]:
        """Look again; blocks, never raises."""
        ...


@dataclass(slots=True)
class StaticGroups:
    """The groups that stand in the configuration."""

    listed: tuple[Group, ...]
    every_ms: int = 0
    error: str = ""

    def groups(self) -> tuple[Group, ...]:
        """The same ones always."""
        return self.listed


@dataclass(slots=True)
class FileGroups:
    """The groups of files; a file is read again when its time or size changed."""

    files: Files
    error: str = ""
    every_ms: int = FILE_POLL_MS
    _known: dict[str, tuple[tuple[int, int], tuple[Group, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look as often as the more eager of the two asks."""
        self.every_ms = min(FILE_POLL_MS, self.files.refresh_ms)

    def groups(self) -> tuple[Group, ...]:
        """The groups of all files; of a broken one those it had, of a missing one none."""
        self.error = ""
        paths = sorted({path for pattern in self.files.patterns for path in glob(pattern)})  # noqa: PTH207 - patterns are whole paths
        self._known = {path: one for path, one in self._known.items() if path in paths}
        for path in paths:
            self._look(path)
        return tuple(group for path in paths for group in self._known.get(path, ((), ()))[1])

    def _look(self, path: str) -> None:
        """Read the file if it is another than the last time."""
        try:
            stat = Path(path).stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if path in self._known and self._known[path][0] == stamp:
                return
            self._known[path] = (stamp, read_groups(Path(path).read_bytes(), path))
        except (OSError, LabError) as error:
            self.error = f"{path}: {error}"


@dataclass(slots=True)
class NameGroups:
    """The targets that DNS names."""

    names: Names
    resolve: Callable[[str, RecordType], Records] = resolved
    error: str = ""
    every_ms: int = 30_000
    _known: dict[str, Group] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Ask as often as the configuration says."""
        self.every_ms = self.names.refresh_ms

    def groups(self) -> tuple[Group, ...]:
        """A group a name; of one that cannot be resolved the one it had."""
        self.error = ""
        for name in self.names.names:
            try:
                records = self.resolve(name, self.names.type)
            except OSError as error:
                self.error = f"{name}: {error}"
                continue
            targets = tuple(_joined(host, port or self.names.port) for host, port in records)
            self._known[name] = Group(targets, labels_of({"__meta_dns_name": name}), name)
        return tuple(self._known[name] for name in self.names.names if name in self._known)


def discoveries(job: Job) -> tuple[Discovery, ...]:
    """All that the job is fed by."""
    return (
        StaticGroups(job.groups),
        *(FileGroups(files) for files in job.files),
        *(NameGroups(names) for names in job.names),
    )


def read_groups(text: bytes, path: str) -> tuple[Group, ...]:
    """Read groups from YAML, or from JSON, which is YAML. Raises BrokenFileError."""
    source, findings = read_yaml(text, most_bytes=MOST_BYTES, most_values=MOST_VALUES)
    told = list(findings)
    if path.endswith(".json") and not text.strip():
        told.append(Finding("1:1", "json", "the file is empty", "write [] for no groups"))
    read: Iterable[dict[str, object]] = ()
    if source is not None:
        read = _read_groups([] if source.value is None else source.value, Place(source, told))
    if told:
        first = told[0]
        raise BrokenFileError(
            f"{path}:{first.where}", "groups of targets", first.message, first.fix
        )
    return tuple(_group(one, path, number) for number, one in enumerate(read))


class BrokenFileError(LabError):
    """A file of targets that cannot be read; the targets it had stay."""

    slug = "broken-targets"


def _group(one: dict[str, object], path: str, number: int) -> Group:
    """Make a group that knows its file."""
    group = Group(**one)  # type: ignore[arg-type]  # the fields were read
    told = labels_of({**dict(group.labels), "__meta_filepath": path})
    return replace(group, labels=told, source=f"{path}:{number}")


def _joined(host: str, port: int) -> str:
    """Write host and port; an IPv6 address in brackets."""
    host = host.rstrip(".")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
