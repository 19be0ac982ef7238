"""Classes of settings: what each of them declares."""

from pathlib import Path

from novaflow.settings import CoreSettings
from novaflow.settings.group import find_allowed, find_fields
from tests.support.settings import GROUPS
from tools.env_example import write_example

FIELDS = find_fields(GROUPS)


def test_settings_classes_read_nothing() -> None:
    """Two instances are equal in any environment."""
    assert CoreSettings(novaflow_jobs=2) == CoreSettings(novaflow_jobs=2)
    assert CoreSettings().novaflow_jobs >= 1


def test_the_example_lists_every_setting() -> None:
    """`python -m tools` writes .env.example from the classes of settings."""
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    assert example == write_example()
    assert [line[2:].partition("=")[0] for line in example.splitlines() if line[2:].partition("=")[0] in FIELDS] == [*FIELDS]


def test_every_setting_says_what_it_means() -> None:
    """Each has one sentence and its allowed values."""
    for name, group in FIELDS.items():
        assert (group.model_fields[name.lower()].description or "").endswith(".")
        assert find_allowed(group, name).values


def test_a_name_belongs_to_one_group() -> None:
    """Two groups that declare the same name would hide each other."""
    assert sum(len(group.model_fields) for group in GROUPS) == len(FIELDS)
