"""What looks the same is the same."""

from __future__ import annotations

from unicodedata import normalize

from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.evaluators.wording import form


@given(st.text(), st.booleans(), st.booleans())
def test_canonically_equivalent_texts_have_one_form(text, case_sensitive, strip):
    forms = {
        form(normalize(kind, text), case_sensitive=case_sensitive, strip=strip)
        for kind in ("NFC", "NFD")
    }
    assert len(forms) == 1


@given(st.text())
def test_a_form_is_its_own_form(text):
    once = form(text, case_sensitive=False, strip=True)
    assert form(once, case_sensitive=False, strip=True) == once


def test_case_is_folded_and_blanks_are_stripped_only_when_asked():
    assert form(" Straße\n", case_sensitive=False, strip=True) == "strasse"
    assert form(" Straße\n", case_sensitive=True, strip=False) == " Straße\n"
