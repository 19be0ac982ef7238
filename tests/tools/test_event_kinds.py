"""The kinds of events that subscribers read about."""

from dataclasses import fields

import pytest

from novaflow.events.types import STATES, CoreEvent, ServiceChanged
from tools.event_kinds import KindDescription, all_states, describe_kinds

KINDS = describe_kinds()


@pytest.mark.parametrize("event_class", STATES, ids=lambda event_class: event_class.kind)
def test_a_kind_of_the_core_has_the_fields_of_its_class(event_class: type[CoreEvent]) -> None:
    """Without name and state, which are in the envelope; all its states are listed."""
    kind = KINDS[event_class.kind]
    assert {*kind.properties} == {field.name for field in fields(event_class)} - {"name", "state"}
    assert kind.states == tuple(state.value for state in STATES[event_class])
    assert not kind.open_states
    assert kind.meaning.endswith(".")
    assert "\n" not in kind.meaning


def test_a_field_with_a_default_may_be_missing() -> None:
    """The others are required, and a type that may be ``None`` is described by its values."""
    service = KINDS[ServiceChanged.kind]
    assert service.required == ("workflow", "component", "reason")
    assert service.properties["pid"] == {"type": "integer"}
    assert service.properties["duration_s"] == {"type": "number"}
    assert service.properties["log_tail"] == {"type": "string"}
    assert KINDS["workflow"].properties["failed"] == {"type": "array", "items": {"type": "string"}}


def test_a_kind_that_a_component_declares_has_a_reason() -> None:
    """Its states are examples, and its fields may be missing."""
    instance = KINDS["instance"]
    assert (instance.open_states, instance.required) == (True, ("reason",))
    assert next(iter(instance.properties)) == "reason"
    assert instance.properties["addresses"] == {"type": "array", "items": {"type": "string"}}


def test_states_are_listed_once() -> None:
    """Sorted, over all kinds."""
    kinds = [KindDescription(name, "", states, False, {}, ()) for name, states in (("a", ("up", "down")), ("b", ("up", "away")))]  # noqa: FBT003
    assert all_states(kinds) == ["away", "down", "up"]
    assert {"ready", "low", "skipped"} <= {*all_states(KINDS.values())}
