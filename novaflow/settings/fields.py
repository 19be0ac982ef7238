"""Every setting: its type, its default, what is allowed, and what it means."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, SecretStr, StringConstraints, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from novaflow.settings.validators import (
    Clash,
    SettingsClash,
    read_address,
    read_broker,
    read_directory,
    read_interface,
    read_line,
    read_names,
    read_path,
    read_range,
    read_virtualisation,
)


class LibvirtType(StrEnum):
    """What boots servers."""

    AUTO = "auto"  # KVM if it works, else QEMU
    KVM = "kvm"
    QEMU = "qemu"
    LXC = "lxc"
    FAKE = "fake"  # no hypervisor and no privileges: servers are entries in a table


class NetMan(StrEnum):
    """How servers' networks are told apart, in nova.sh's words."""

    VLAN = "VlanManager"  # a tag of its own for each project's network
    FLAT = "FlatManager"  # one network, addresses injected
    FLAT_DHCP = "FlatDHCPManager"  # one network, addresses by DHCP


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a setting may be, in words for an operator; ``default`` says what a computed default will be."""

    values: str
    unit: str = ""
    default: str = ""


def count_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


_RANGE = "an IPv4 network such as 10.0.0.0/24, without host bits, with at least 8 addresses (/29)"

Switch = Annotated[bool, Allowed("0, 1")]
Range = Annotated[IPv4Network, BeforeValidator(read_range), Allowed(_RANGE)]
Interface = Annotated[str | None, AfterValidator(read_interface), Allowed("a network card's name, as `ip link` lists it", default="none")]
Command = Annotated[str | None, Allowed("a shell command", default="none")]


class Settings(BaseSettings):
    """What the user chose; ``Settings()`` is all defaults, and never looks at the machine's environment.

    Paths are relative to the stack's folder only while they are defaults: ``load_settings`` makes all of them absolute.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    use_mysql: Switch = Field(default=True, description="1: a MariaDB of the stack's own; 0: SQLite, which serves one server at a time.")
    mysql_pass: Annotated[
        SecretStr | None, AfterValidator(read_line), Allowed("any text of one line", default="generated, once per stack")
    ] = Field(default=None, description="Password of the MariaDB's administrator.")
    interface: Interface = Field(
        default=None, description="Network card given to the stack for floating addresses; none: cards are left alone."
    )
    flat_interface: Interface = Field(
        default=None, description="Network card given to the stack for servers' networks; none: cards are left alone."
    )
    floating_range: Range = Field(
        default=IPv4Network("10.6.0.0/27"), description="Addresses that servers can be given to be reached from outside."
    )
    fixed_range: Range = Field(default=IPv4Network("10.0.0.0/24"), description="Addresses that servers get at boot.")
    host_ip: Annotated[
        str, AfterValidator(read_address), Allowed("an IPv4 address of this machine, or auto: the default route's source address")
    ] = Field(default="127.0.0.1", description="Address that services listen on and advertise.")
    instances_path: Annotated[Path, AfterValidator(read_path), Allowed("a folder", default="DIR/data/instances")] = Field(
        default=Path("data/instances"), description="Where servers' disks lie."
    )
    lock_path: Annotated[Path, AfterValidator(read_path), Allowed("a folder", default="DIR/run/lock")] = Field(
        default=Path("run/lock"), description="Where services keep the lock files they share."
    )
    libvirt_type: Annotated[LibvirtType, BeforeValidator(read_virtualisation), Allowed(", ".join(LibvirtType))] = Field(
        default=LibvirtType.AUTO,
        description="What boots servers; auto: kvm if it works here, else qemu; fake: nothing does, for trying things out.",
    )
    net_man: Annotated[NetMan, Allowed(", ".join(NetMan))] = Field(
        default=NetMan.VLAN, description="How servers' networks are made: a VLAN tag for each, or one flat network without or with DHCP."
    )
    use_ldap: Switch = Field(default=False, description="1: users live in an LDAP server of the stack's own.")
    use_opendj: Switch = Field(
        default=False, description="1, with USE_LDAP=1: users live in an OpenDJ, or another LDAP server, at NOVAFLOW_LDAP_URL."
    )
    use_ipv6: Switch = Field(default=False, description="1: servers also get a routed IPv6 address.")
    test: Switch = Field(default=False, description="1: `run` first runs the unit tests of the fetched source tree.")
    screen_name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$"), Allowed("letters, digits, - and _")] = Field(
        default="nova", description="Name of the terminal multiplexer session that `attach` opens."
    )
    screen_status: Switch = Field(default=True, description="0: that session hides its status line.")
    novaflow_services: Annotated[
        tuple[str, ...], BeforeValidator(read_names), Allowed("names of components, comma-separated", default="all the machine can run")
    ] = Field(default=(), description="Which components to run; what they need comes along.")
    novaflow_events_url: Annotated[
        SecretStr | None,
        AfterValidator(read_broker),
        Allowed("amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps", default="the stack's own broker"),
    ] = Field(default=None, description="Another broker for events.")
    novaflow_ldap_url: Annotated[
        str | None,
        AfterValidator(read_directory),
        Allowed("ldap://HOST:PORT/NAME, or ldaps, with the name users lie below, such as ou=people,dc=example,dc=com", default="none"),
    ] = Field(default=None, description="The LDAP server of USE_OPENDJ=1, and where users lie in it.")
    novaflow_ldap_user: Annotated[str | None, Allowed("a name such as cn=reader,dc=example,dc=com", default="none")] = Field(
        default=None, description="Who may look for users there; none: anybody may."
    )
    novaflow_ldap_pass: Annotated[SecretStr | None, AfterValidator(read_line), Allowed("any text of one line", default="none")] = Field(
        default=None, description="Password of NOVAFLOW_LDAP_USER."
    )
    novaflow_instance_events: Switch = Field(default=True, description="0: what happens to servers is not told as events.")
    novaflow_nat: Switch = Field(default=False, description="1: servers reach what this machine reaches, under this machine's address.")
    novaflow_jobs: Annotated[PositiveInt, Allowed("a whole number from 1 up", unit="steps", default="the number of processors")] = Field(
        default_factory=count_processors, description="How many steps that burn a core run at once."
    )
    novaflow_on_ready: Command = Field(default=None, description="Run when the stack is ready, with the event on its standard input.")
    novaflow_on_failed: Command = Field(default=None, description="Run when the stack has failed, with the event on its standard input.")
    novaflow_workflows: Annotated[Path, AfterValidator(read_path), Allowed("a folder", default="the one that comes with novaflow")] = Field(
        default=Path(__file__).parents[2] / "workflows", description="Folder of the workflows and their components."
    )

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from ``load_settings`` alone: it knows where each one stood, pydantic's own sources do not."""
        return (sources["init_settings"],)

    @model_validator(mode="after")
    def refuse_clashes(self) -> Self:
        """Refuse values that are fine one by one and cannot be had together."""
        clashes = [
            Clash(("host_ip", name), "the range would give the machine's own address to a server")
            for name, addresses in (("fixed_range", self.fixed_range), ("floating_range", self.floating_range))
            if IPv4Address(self.host_ip) in addresses
        ]
        if self.fixed_range.overlaps(self.floating_range):
            clashes.append(Clash(("fixed_range", "floating_range"), "they overlap, and must not share an address"))
        if self.interface and self.interface == self.flat_interface:
            clashes.append(Clash(("interface", "flat_interface"), "one card cannot be in two bridges"))
        if self.use_opendj and not self.use_ldap:
            clashes.append(Clash(("use_opendj", "use_ldap"), "users live in the OpenDJ only if they live in LDAP"))
        if self.use_opendj and not self.novaflow_ldap_url:
            clashes.append(Clash(("use_opendj", "novaflow_ldap_url"), "the server has to be named"))
        if clashes:
            raise SettingsClash(tuple(clashes))
        return self


NAMES: Mapping[str, str] = {field.upper(): field for field in Settings.model_fields}  # as users write them, and ours
PATHS: Mapping[str, Path] = {name: info.default for name, info in Settings.model_fields.items() if info.annotation is Path}
SECRETS = frozenset(name for name, info in Settings.model_fields.items() if info.annotation == SecretStr | None)


def find_allowed(field: str) -> Allowed:
    """Return what a setting may be."""
    return next(one for one in Settings.model_fields[field].metadata if isinstance(one, Allowed))
