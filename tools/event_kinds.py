"""The kinds of events: those of the core, and those that components declare."""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from novaflow.adapters.storage import find_components
from novaflow.events.types import STATES, CoreEvent, EventKind
from novaflow.model.component import declared

_WORKFLOWS = Path(__file__).parents[1] / "workflows"
_TYPES: Mapping[Any, str] = {str: "string", int: "integer", float: "number"}
_IN_ENVELOPE = {"name", "state"}  # `subject`, and the last word of `type`


@dataclass(frozen=True, slots=True)
class KindDescription:
    """A kind of event as subscribers see it.

    ``properties`` maps the fields of `data` to their JSON schemas, ``required`` names those that are always present.
    ``states`` lists all states, or examples if the kind has ``open_states``.
    """

    name: str
    meaning: str
    states: tuple[str, ...]
    open_states: bool
    properties: Mapping[str, Any]
    required: tuple[str, ...]


def describe_kinds() -> dict[str, KindDescription]:
    """Return all kinds by name."""
    components = find_components(_WORKFLOWS).components
    kinds = [*map(_describe_core, STATES), *map(_describe_declared, declared(components, EventKind))]
    return {kind.name: kind for kind in kinds}


def _describe_core(event_class: type[CoreEvent]) -> KindDescription:
    hints = get_type_hints(event_class)
    members = [field for field in fields(event_class) if field.name not in _IN_ENVELOPE]
    return KindDescription(
        name=event_class.kind,
        meaning=" ".join((event_class.__doc__ or "").split()),
        states=tuple(state.value for state in STATES[event_class]),
        open_states=False,
        properties={field.name: _schema_of(hints[field.name]) for field in members},
        # A field with a default may be missing; later releases may add fields, never remove one or change its type.
        required=tuple(field.name for field in members if field.default is MISSING),
    )


def _describe_declared(kind: EventKind) -> KindDescription:
    properties = {"reason": _schema_of(str), **{name: _schema_of(hint) for name, hint in kind.fields.items()}}
    return KindDescription(kind.name, kind.summary, kind.states, open_states=True, properties=properties, required=("reason",))


def _schema_of(hint: Any) -> dict[str, Any]:  # noqa: ANN401 - type hints have no common type
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _schema_of(get_args(hint)[0])}
    (kind,) = [each for each in get_args(hint) or (hint,) if each is not NoneType]
    return {"type": _TYPES[kind]}


def all_states(kinds: Iterable[KindDescription]) -> list[str]:
    """Return the states of all kinds, sorted."""
    return sorted({state for kind in kinds for state in kind.states})
