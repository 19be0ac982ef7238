"""What this kernel can do: asked, and answered in a sentence."""

from workflows.platform.kernel import has_openvswitch, kvm_refusal


def test_kvm_works_or_says_why_not() -> None:
    """Asking never fails; a refusal is a reason one can read, on one line."""
    refusal = kvm_refusal()
    assert refusal is None or (refusal.strip() == refusal != "" and "\n" not in refusal)


def test_open_vswitch_is_there_or_not() -> None:
    """Asking never fails, whatever this machine's modules are like."""
    assert has_openvswitch() in {True, False}
