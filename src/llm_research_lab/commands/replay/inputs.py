"""The files of a replay are read whole, or refused with all findings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from llm_research_lab.alerting.notifying import Configuration, read_routes
from llm_research_lab.alerting.rules import Group
from llm_research_lab.commands.metrics.ruling import load_rules
from llm_research_lab.oncall import Roster, read_roster
from llm_research_lab.oncall.clock import packaged
from llm_research_lab.storage.private import explained
from llm_research_lab.stories.replay.read import read_responders
from llm_research_lab.stories.replay.responding import Responders
from llm_research_lab.vocabulary import Finding, InvalidError

T = TypeVar("T")
Read = Callable[[str, str], tuple[T | None, tuple[Finding, ...]]]

ENDINGS = (".yml", ".yaml", ".rules")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is replayed: rules, routes, a roster, and a model of who answers how soon."""

    groups: tuple[Group, ...]
    configuration: Configuration
    roster: Roster
    responders: Responders = field(default_factory=Responders)
    digest: str = ""
    """SHA-256 of the files' bytes: equal files give equal replays."""
    assumed: bool = True
    """Whether the responders are nobody's words but ours."""


def read_inputs(rules: Path, routes: Path, roster: Path, responders: Path | None = None) -> Inputs:
    """Read all files. Raises InvalidError with the findings of the first that has any."""
    files = rule_files(rules)
    groups = tuple(one.group for one in load_rules(files))
    configuration = read_configuration(routes)
    people = read_people(roster)
    answering = Responders() if responders is None else _read(responders, read_responders)
    read = [*files, routes, roster, *([] if responders is None else [responders])]
    return Inputs(
        groups, configuration, people, answering, _digest(read), assumed=responders is None
    )


def read_configuration(path: Path) -> Configuration:
    """Read an alertmanager.yml. Raises InvalidError with all findings."""
    return _read(path, lambda text, name: read_routes(text, where=name, zones=packaged))


def read_people(path: Path) -> Roster:
    """Read a roster file. Raises InvalidError with all findings."""
    return _read(path, read_roster)


def standing(place: Path, given: tuple[Path, Path, Path, Path | None]) -> Inputs:
    """Read the set of files in a directory; what it has not is taken from those given.

    They are rules/, alertmanager.yml, roster.yaml and responders.yaml. Raises InvalidError.
    """
    names = ("rules", "alertmanager.yml", "roster.yaml", "responders.yaml")
    if not any((place / name).exists() for name in names):
        expected, fix = f"one of {', '.join(names)}", "name the directory that holds them"
        raise InvalidError(f"directory {place}", expected, "none of them", fix)
    rules, routes, roster, responders = given
    answering = place / names[3]
    return read_inputs(
        _own(place / names[0], rules),
        _own(place / names[1], routes),
        _own(place / names[2], roster),
        answering if answering.exists() else responders,
    )


def _own(path: Path, other: Path) -> Path:
    return path if path.exists() else other


def rule_files(place: Path) -> list[Path]:
    """Give the rule files of a directory, by name; a file is itself. Raises InvalidError."""
    if place.is_file():
        return [place]
    found = sorted(one for one in place.glob("*") if one.suffix in ENDINGS)
    if not found:
        expected, fix = "a directory of rule files (.yml, .yaml, .rules)", "name another one"
        raise InvalidError(f"directory {place}", expected, "none", fix)
    return found


def _read(path: Path, read: Read[T]) -> T:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise explained(error, path) from error
    except UnicodeDecodeError as error:
        raise InvalidError(str(path), "UTF-8", str(error), "save it as UTF-8") from error
    value, findings = read(text, str(path))
    if value is None:
        first = findings[0]
        raise InvalidError(
            first.where, first.law, first.message, first.fix, findings[:20], len(findings)
        )
    return value


def _digest(files: Sequence[Path]) -> str:
    found = hashlib.sha256()
    for path in files:
        body = path.read_bytes()
        found.update(f"{path.name}\0{len(body)}\0".encode() + body)
    return found.hexdigest()
