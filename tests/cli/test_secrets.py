"""`novaflow secrets rotate` on a stack that is stopped."""

import json

import pytest

from novaflow.adapters.storage import Secrets
from tests.support.toy_stack import Novaflow, ToyStack, describe_failure

KEPT = """
from novaflow.model.component import Component
from novaflow.model.kept_secret import KeptSecret

COMPONENT = Component("kept", "A toy.", declares=(KeptSecret("encryption", "data is encrypted with it"), KeptSecret("other", "unknown")))
"""
QUESTION = "nova is stopped and started again, with its servers; tokens and the EC2 keys in novarc and s3rc become invalid\n"


@pytest.fixture
def secrets(toy: ToyStack) -> dict[str, str]:
    """Return the secrets of the stack, one of which is not changed; the workflow that applies new ones fails."""
    toy.write("components/kept.py", KEPT)
    toy.add_workflow("rotate", "before_run=lambda _, paths: paths.old_secrets.exists()")
    toy.add_step("rotate", 'raise StepFailed("the database is broken")')
    secrets = Secrets(toy.paths.secrets)
    return {name: secrets.get(name) for name in ("database", "encryption")}


def test_without_a_stack_there_is_nothing_to_change(novaflow: Novaflow, toy: ToyStack) -> None:
    """The exit code is 2."""
    toy.add_workflow("rotate")
    ended = novaflow("secrets", "rotate", "--yes")
    assert (ended.code, ended.err) == (2, f"novaflow: there are no secrets in {toy.root}; `novaflow up` creates them\n")


def test_without_a_terminal_nothing_is_changed(novaflow: Novaflow, toy: ToyStack, secrets: dict[str, str]) -> None:
    """The command says what it would do and which secrets of the stack would stay."""
    ended = novaflow("secrets", "rotate")
    assert (ended.code, ended.err) == (2, "novaflow: nothing was changed; add --yes to change the secrets\n")
    assert ended.out == f"not changed: encryption: data is encrypted with it\n{QUESTION}"
    assert json.loads(toy.paths.secrets.read_text()) == secrets


def test_a_cloud_that_cannot_have_new_secrets_keeps_them(novaflow: Novaflow, toy: ToyStack, secrets: dict[str, str]) -> None:
    """The workflow names the reason."""
    toy.add_workflow("rotate", "reason_not_ready=lambda settings, paths, components: 'not with SQLite'")
    ended = novaflow("secrets", "rotate", "--yes")
    assert (ended.code, ended.err) == (2, "novaflow: not with SQLite\n")
    assert json.loads(toy.paths.secrets.read_text()) == secrets


def test_secrets_that_are_not_applied_are_applied_later(novaflow: Novaflow, toy: ToyStack, secrets: dict[str, str]) -> None:
    """After a failure, both this command and `up` apply the same new secrets; none of them is printed."""
    ended = novaflow("secrets", "rotate", "--yes")
    assert (ended.code, ended.err) == (3, describe_failure("rotate", "extra.body"))
    renewed = json.loads(toy.paths.secrets.read_text())
    assert {name for name in secrets if renewed[name] == secrets[name]} == {"encryption"}
    assert json.loads(toy.paths.old_secrets.read_text()) == secrets
    for words in (("secrets", "rotate", "--yes"), ("up",)):
        again = novaflow(*words)
        assert (again.code, again.err) == (3, describe_failure("rotate", "extra.body"))
        assert json.loads(toy.paths.secrets.read_text()) == renewed
        assert not any(secret in ended.out + again.out for secret in (*secrets.values(), *renewed.values()))
