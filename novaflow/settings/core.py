"""The settings of novaflow itself; components declare the others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, SecretStr, StringConstraints

from novaflow.settings.group import Allowed, Command, Conflict, SettingsGroup, Switch, count_processors
from novaflow.settings.sharing import find_group, may_give_access
from novaflow.settings.trust import PACKAGE
from novaflow.settings.validators import read_address, read_broker, read_names, read_path, read_paths, read_text


def find_workflows() -> Path:
    """Return the folder of workflows that comes with novaflow: in the package if it is installed from a wheel, else in the checkout."""
    bundled = PACKAGE / "bundled" / "workflows"
    return bundled if bundled.is_dir() else PACKAGE.with_name("workflows")


class CoreSettings(SettingsGroup):
    """Settings that every stack has."""

    host_ip: Annotated[
        str, AfterValidator(read_address), Allowed("an IPv4 address of this machine, or auto: the default route's source address")
    ] = Field(default="127.0.0.1", description="Address that clients connect to.")
    novaflow_tls: Annotated[bool | None, Allowed("0, 1", default="1 if HOST_IP is not a loopback address, else 0")] = Field(
        default=None, description="1: connections to HOST_IP are encrypted."
    )
    screen_name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$"), Allowed("letters, digits, - and _")] = Field(
        default="nova", description="Name of the terminal multiplexer session that `attach` opens."
    )
    screen_status: Switch = Field(default=True, description="0: that session hides its status line.")
    novaflow_services: Annotated[
        tuple[str, ...],
        BeforeValidator(read_names),
        Allowed("names of components, comma-separated; `default` stands for all that run by default", default="default"),
    ] = Field(default=(), description="Components to run; the components that they need are added.")
    novaflow_events_url: Annotated[
        SecretStr | None,
        AfterValidator(read_broker),
        Allowed(
            "amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps; several, separated by semicolons, are tried in order",
            default="the stack's own broker",
        ),
    ] = Field(default=None, description="Another broker for events.")
    novaflow_jobs: Annotated[PositiveInt, Allowed("a whole number from 1 up", unit="steps", default="the number of processors")] = Field(
        default_factory=count_processors, description="How many CPU-intensive steps run at once."
    )
    novaflow_timeout_factor: Annotated[float, Field(ge=1, le=100), Allowed("a number from 1 to 100")] = Field(
        default=1.0, description="Multiplies the time that every step and service has: more than 1 for a slow machine."
    )
    novaflow_group: Annotated[str | None, AfterValidator(read_text), Allowed("the name of a group of this machine", default="none")] = (
        Field(default=None, description="Group whose members may use `status`, `logs`, `events` and `env --user demo` without root.")
    )
    novaflow_on_ready: Command = Field(
        default=None, description="Command to run when the stack is ready; reads the event from standard input."
    )
    novaflow_on_failed: Command = Field(
        default=None, description="Command to run when the stack has failed; reads the event from standard input."
    )
    novaflow_workflows: Annotated[Path, AfterValidator(read_path), Allowed("a folder", default="the one that comes with novaflow")] = Field(
        default_factory=find_workflows, description="Folder of the workflows and their components."
    )
    novaflow_components_path: Annotated[tuple[Path, ...], BeforeValidator(read_paths), Allowed("folders, separated by colons")] = Field(
        default=(), description="Further folders of components, for example your own."
    )

    def find_unavailable(self) -> Iterator[Conflict]:
        """Yield the group if it does not exist, or if this user cannot give it access."""
        if self.novaflow_group is None:
            return
        group = find_group(self.novaflow_group)
        if group is None:
            yield Conflict(("NOVAFLOW_GROUP",), "this machine has no such group; `getent group` lists them")
        elif not may_give_access(group):
            yield Conflict(("NOVAFLOW_GROUP",), "you are not in this group, so that only root can give it access: use sudo")
