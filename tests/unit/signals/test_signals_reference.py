"""A reference page shows everything that is declared."""

from __future__ import annotations

from tests.unit.signals.declared import packaged, small

from llm_research_lab.signals.reference import cell, events_page, metrics_page, spans_page


def test_every_metric_stands_with_its_labels_buckets_and_emitters():
    declared = packaged()
    page = "\n".join(metrics_page(declared))
    for one in declared.metrics.values():
        start = page.index(f"## `{one.name}`")
        about = page[start : page.index("\n## ", start + 3)]
        assert all(f"`{label}`" in about for label in one.labels)
        assert all(f"`{process}`" in about for process in one.emitters)
        assert all(f"{bound:g}" in about for bound in one.buckets)
    assert all(f"| {name} |" in page for name in declared.sets)


def test_the_names_that_are_kept_on_purpose_stand_with_their_reasons():
    page = "\n".join(metrics_page(packaged()))
    kept = page[page.index("## Names that are kept on purpose") :]
    assert "| `experiment_active_count` | suffix |" in kept
    assert "`api_request_total`" not in kept


def test_every_event_and_span_stands_with_its_fields():
    declared = packaged()
    events, spans = "\n".join(events_page(declared)), "\n".join(spans_page(declared))
    for event in declared.events.values():
        assert f"## `{event.name}`" in events
        assert all(f"| `{name}` |" in events for name in event.fields)
    for span in declared.spans.values():
        assert f"## `{span.called}`" in spans
        assert all(f"| `{name}` |" in spans for name in span.attributes)


def test_a_small_page_is_as_it_is():
    page = "\n".join(spans_page(small()[0]))
    assert "- client, the first of its process, from `runner`; spec 5.1.3" in page
    assert "| `model` | text | always | Which. |" in page


def test_a_cell_holds_no_bar():
    assert cell("a|b") == "a\\|b"
