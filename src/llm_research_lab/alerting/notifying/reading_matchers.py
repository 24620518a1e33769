"""Matchers stand in a file as a list of texts, or as the older mappings of names to values.

Source: Alertmanager, config/config.go, Matchers and MatchRegexps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm_research_lab.alerting.notifying.matching import ordered_matchers
from llm_research_lab.alerting.notifying.parsing import Mode, parse_matchers
from llm_research_lab.alerting.notifying.scalars import list_of, text, texts_by_name
from llm_research_lab.documents.fields import Field, Place
from llm_research_lab.vocabulary import Finding, InvalidError
from llm_research_lab.vocabulary.matchers import Matcher, Op

CLASSIC_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class MatchersReader:
    """Reads matchers with one parser; what is accepted and outdated goes to `notes`."""

    mode: Mode
    notes: list[Finding]

    def fields(self, prefix: str = "") -> list[Field]:
        """The three keys under which matchers stand."""
        return [
            Field(f"{prefix}match", self._exact),
            Field(f"{prefix}match_re", self._expressions),
            Field(f"{prefix}matchers", self._texts),
        ]

    def joined(self, found: Mapping[str, Any], prefix: str = "") -> tuple[Matcher, ...]:
        """All that was read under the three keys, sorted."""
        keys = (f"{prefix}match", f"{prefix}match_re", f"{prefix}matchers")
        return ordered_matchers(one for key in keys for one in found.get(key, ()))

    def is_name(self, name: str) -> bool:
        """Whether a label may have the name."""
        return bool(name) if self.mode != "classic" else bool(CLASSIC_NAME.fullmatch(name))

    def note(self, place: Place, law: str, message: str, fix: str) -> None:
        """Remember what Alertmanager would only warn of."""
        self.notes.append(Finding(place.source.where(place.path), law, message, fix))

    def _exact(self, value: Any, place: Place) -> tuple[Matcher, ...]:
        return self._mapping(value, place, "=")

    def _expressions(self, value: Any, place: Place) -> tuple[Matcher, ...]:
        return self._mapping(value, place, "=~")

    def _mapping(self, value: Any, place: Place, op: Op) -> tuple[Matcher, ...]:
        pairs = texts_by_name(value, place)
        if pairs:
            message = f"{place.name} is deprecated"
            self.note(
                place, "deprecated", message, f"use {place.name.partition('match')[0]}matchers"
            )
        found = []
        for name, pattern in pairs.items():
            at = place.at(name)
            if op == "=~" and value[name] is None:
                at.find("expression", f'invalid regexp value for "{name}"', "write an expression")
            if not CLASSIC_NAME.fullmatch(name):
                at.find("label-name", f'invalid label name "{name}"', "rename it", key=True)
            try:
                found.append(Matcher(name, op, pattern))
            except InvalidError as error:
                at.find("expression", f"{error.where}: {error.got}", error.fix)
        return tuple(found)

    def _texts(self, value: Any, place: Place) -> tuple[Matcher, ...]:
        return tuple(one for many in list_of(self._text)(value, place) for one in many)

    def _text(self, value: Any, place: Place) -> tuple[Matcher, ...]:
        written = text(value, place)
        try:
            parsed = parse_matchers(written, self.mode)
        except InvalidError as error:
            place.find("matcher", f"{error.where}: {error.got}", error.fix)
            return ()
        if parsed.note is not None:
            self.note(place, "matcher-syntax", parsed.note, "put the value in double quotes")
        return parsed.matchers
