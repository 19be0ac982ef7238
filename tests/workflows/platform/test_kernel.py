"""What the kernel of this machine supports."""

from workflows.platform.kernel import find_kvm_error, has_openvswitch


def test_the_reason_why_kvm_does_not_work_is_one_line() -> None:
    """The check never fails itself; its result is a reason in one line, or ``None``."""
    error = find_kvm_error()
    assert error is None or (error.strip() == error != "" and "\n" not in error)


def test_openvswitch_is_supported_or_not() -> None:
    """The check never fails itself, on any machine."""
    assert has_openvswitch() in {True, False}
