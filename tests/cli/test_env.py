"""`novaflow env`: shell exports."""

from tests.support.toy_stack import Novaflow, ToyStack


def test_settings_come_before_credentials(novaflow: Novaflow, toy: ToyStack) -> None:
    """One command prints the settings and the exports of the stack's openrc."""
    (toy.root / "credentials").mkdir(parents=True)
    (toy.root / "credentials/openrc").write_text("export OS_USERNAME=admin\n")
    lines = novaflow("env").out.splitlines()
    assert (lines[0], lines[-1]) == ("export HOST_IP=127.0.0.1", "export OS_USERNAME=admin")


def test_a_stack_that_was_never_run_has_no_credentials(novaflow: Novaflow, toy: ToyStack) -> None:
    """Only settings are printed, and no folder is created."""
    ended = novaflow("env")
    assert (ended.code, ended.err) == (0, "")
    assert "OS_" not in ended.out
    assert not toy.root.exists()


def test_an_invalid_openrc_is_refused(novaflow: Novaflow, toy: ToyStack) -> None:
    """Standard output stays empty: a shell evaluates it."""
    (toy.root / "credentials").mkdir(parents=True)
    (toy.root / "credentials/openrc").write_text("export A='b\n")
    ended = novaflow("env")
    assert (ended.code, ended.out) == (2, "")
    assert "is not a file that novaflow wrote" in ended.err
