"""The report of a machine."""

import json
import os

from novaflow.events.types import StepState, WorkflowChanged, WorkflowState
from novaflow.runtime.machine_report import describe_machine
from novaflow.runtime.preflight import check_machine
from tests.support.toy_stack import ToyStack, step_is


def test_a_report_names_the_machine_and_its_checks(toy: ToyStack) -> None:
    """It is written for a stack that does not exist, too."""
    toy.add_check("BAD")
    stack = toy.open()
    report = describe_machine(stack, check_machine(stack))
    assert str(report["kernel"]).startswith(f"Linux {os.uname().release} ")
    assert report["checks"] == [{"about": "memory", "severity": "bad", "found": "1 GiB", "advice": "4 GiB are needed"}]
    assert (report["software"], report["workflows"]) == ({}, [])


def test_a_report_says_how_workflows_ended(toy: ToyStack) -> None:
    """Each node that failed has its reason, without the output of its program."""
    toy.append(
        WorkflowChanged(name="install", state=WorkflowState.STARTED, reason="requested"),
        step_is("extra.body", StepState.FAILED, "no network\nsecret output", workflow="install"),
        WorkflowChanged(name="install", state=WorkflowState.FAILED, reason="failed: extra.body", duration_s=1.5, failed=("extra.body",)),
    )
    (execution,) = describe_machine(toy.open(), ())["workflows"]
    assert execution["failed"] == {"extra.body": "no network"}
    assert (execution["name"], execution["state"], execution["duration_s"]) == ("install", "failed", 1.5)


def test_a_report_has_the_settings_of_the_user_without_secrets(toy: ToyStack) -> None:
    """Those with default values are not in it."""
    toy.root.mkdir(mode=0o700)
    env = toy.root / ".env"
    env.touch(0o600)
    env.write_text("NOVAFLOW_EVENTS_URL=amqp://user:hidden@broker.example/v\n")
    report = describe_machine(toy.open(), ())
    assert "NOVAFLOW_EVENTS_URL" in report["settings"]
    assert "hidden" not in json.dumps(report)
