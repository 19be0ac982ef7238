"""Compiling components into a graph: which components are selected, and which nodes a need names."""

from dataclasses import replace

import pytest

from novaflow.errors import ComponentUnknown, DependencyCycle, DuplicateName, NeedUnknown, PortConflict, UsageError
from novaflow.model.component import Component
from novaflow.model.restart import Liveness
from novaflow.model.settings import Settings
from novaflow.model.step import EVERYTHING
from novaflow.plan.compile import compile_graph, find_services, resolve_name, select_components
from tests.support.toys import a_component, a_service, a_step

SETTINGS = Settings()
DATABASE = a_component("database", a_service("mariadb"))
WEB = a_component("web", a_step("schema", needs=("mariadb",)), a_service("web", needs=("web.schema",)), aliases=("www",))
PAGES = a_component("pages", a_step("upload", needs=("web",)))
LINKS = a_component("links", a_step("check", needs=("pages",)))
MAIL = a_component("mail", a_service("smtp"))


def names(components: tuple[Component, ...]) -> list[str]:
    """Return the components' names."""
    return [component.name for component in components]


def test_all_components_are_selected_by_default() -> None:
    """Without names, every component is selected."""
    assert names(select_components((DATABASE, WEB, MAIL), (), SETTINGS)) == ["database", "web", "mail"]


def test_needed_components_are_selected() -> None:
    """A named component brings the components that it needs, directly or indirectly, and no others."""
    assert names(select_components((DATABASE, MAIL, WEB), ("web",), SETTINGS)) == ["database", "web"]


def test_components_without_services_follow_their_needs() -> None:
    """A component without services is selected if all its needs are, in any order of declaration."""
    assert names(select_components((DATABASE, LINKS, MAIL, PAGES, WEB), ("web",), SETTINGS)) == ["database", "links", "pages", "web"]
    assert names(select_components((DATABASE, LINKS, MAIL, PAGES, WEB), ("mail",), SETTINGS)) == ["mail"]


def test_an_alias_names_its_component() -> None:
    """An alias selects a component like its name."""
    assert resolve_name("www", (DATABASE, WEB)) == "web"
    assert names(select_components((DATABASE, WEB), ("www",), SETTINGS)) == ["database", "web"]


@pytest.mark.parametrize(("name", "message"), [("databse", "did you mean 'database'?"), ("zzz", "unknown component 'zzz'")])
def test_an_unknown_component_is_rejected(name: str, message: str) -> None:
    """The error suggests the closest name."""
    with pytest.raises(ComponentUnknown) as refused:
        select_components((DATABASE, WEB), (name,), SETTINGS)
    assert str(refused.value).endswith(message)


def test_a_component_that_does_not_run_by_default_is_named() -> None:
    """It is selected only by name; ``default`` stands for all others."""
    extra = a_component("extra", a_service("extra"), default=False)
    assert names(select_components((DATABASE, extra), (), SETTINGS)) == ["database"]
    assert names(select_components((DATABASE, extra), ("extra",), SETTINGS)) == ["extra"]
    assert names(select_components((DATABASE, extra), ("default", "extra"), SETTINGS)) == ["database", "extra"]


def test_a_component_of_every_stack_is_selected() -> None:
    """So are its needs."""
    proxy = a_component("proxy", a_service("proxy", needs=("smtp",)), every_stack=True)
    assert names(select_components((DATABASE, MAIL, proxy), ("database",), SETTINGS)) == ["database", *names((MAIL,)), "proxy"]


def test_settings_disable_components() -> None:
    """A component that the settings disable is not selected, even by name."""
    never = a_component("never", a_service("never"), when=lambda settings: settings.host_ip != "127.0.0.1")
    assert names(select_components((DATABASE, never), (), SETTINGS)) == ["database"]
    assert names(select_components((DATABASE, never), ("never", "database"), SETTINGS)) == ["database"]


def test_settings_disable_parts() -> None:
    """A part that the settings disable is no node, and its needs select no component."""
    component = a_component(
        "web", a_step("users", needs=("smtp",), when=lambda settings: settings.host_ip != "127.0.0.1"), a_service("httpd")
    )
    assert [*compile_graph("run", (component,), SETTINGS).nodes] == ["httpd"]
    assert names(select_components((component, MAIL), ("web",), SETTINGS)) == ["web"]


def test_time_limits_are_multiplied() -> None:
    """NOVAFLOW_TIMEOUT_FACTOR holds for a step, and for a service's start, checks and exit."""
    web = a_service("web", within_s=60, grace_s=5, liveness=Liveness(timeout_s=4))
    nodes = compile_graph("run", (a_component("web", a_step("schema"), web),), replace(SETTINGS, timeout_factor=2.5)).nodes
    assert nodes["web.schema"].part.within_s == 2.5  # a_step has one second
    assert nodes["web"].part == replace(web, within_s=150, grace_s=12.5, liveness=Liveness(timeout_s=10))


def test_step_names_contain_the_component() -> None:
    """Two components may have steps of the same name."""
    assert [*compile_graph("run", (DATABASE, WEB), SETTINGS).nodes] == ["mariadb", "web.schema", "web"]


def test_a_need_on_a_component_names_all_its_nodes() -> None:
    """A need that names a component and no node is met when all its nodes are up."""
    graph = compile_graph(
        "run", (a_component("pair", a_step("a"), a_step("b")), a_component("user", a_step("go", needs=("pair",)))), SETTINGS
    )
    assert graph.nodes["user.go"].needs == {"pair.a", "pair.b"}


def test_a_need_on_a_node_takes_precedence() -> None:
    """A need on a name that a node and a component share names the node."""
    assert compile_graph("run", (DATABASE, WEB, PAGES), SETTINGS).nodes["pages.upload"].needs == {"web"}


def test_a_need_on_another_workflow_is_met() -> None:
    """A need on a part of another workflow adds no edge."""
    packages = a_component("packages", a_step("fetch"), workflow="install")
    user = a_component("user", a_step("go", needs=("packages.fetch", "packages")))
    assert compile_graph("run", (packages, user), SETTINGS).nodes["user.go"].needs == frozenset()


def test_everything_excludes_nodes_that_need_everything() -> None:
    """A node that needs everything waits for all nodes that do not."""
    last = a_component("last", a_step("look", needs=(EVERYTHING,)), a_step("check", needs=(EVERYTHING,)))
    graph = compile_graph("run", (DATABASE, WEB, last), SETTINGS)
    assert graph.nodes["last.look"].needs == graph.nodes["last.check"].needs == {"mariadb", "web.schema", "web"}


def test_an_unknown_need_is_rejected() -> None:
    """The error suggests the closest name."""
    with pytest.raises(NeedUnknown, match=r"user\.go needs 'mariabd', which does not exist; did you mean 'mariadb'\?"):
        compile_graph("run", (DATABASE, a_component("user", a_step("go", needs=("mariabd",)))), SETTINGS)


def test_after_ignores_absent_nodes() -> None:
    """``after`` adds an edge only to nodes of the workflow."""
    user = a_component("user", a_step("go", after=("mariadb", "missing")))
    assert compile_graph("run", (DATABASE, user), SETTINGS).nodes["user.go"].needs == {"mariadb"}


def test_a_port_conflict_is_rejected() -> None:
    """Two services of one workflow cannot declare the same port."""
    with pytest.raises(PortConflict, match=r"^one and two both declare port 80; change one of them$"):
        compile_graph("run", (a_component("a", a_service("one", port=80)), a_component("b", a_service("two", port=80))), SETTINGS)


@pytest.mark.parametrize(
    ("components", "message"),
    [
        ((a_component("a", a_service("web")), a_component("b", a_service("web"))), "'web' is defined in a and in b; rename one of them"),
        ((a_component("a", a_step("go"), a_step("go")),), "'a.go' is defined twice in a; rename one of them"),
    ],
)
def test_a_duplicate_name_is_rejected(components: tuple[Component, ...], message: str) -> None:
    """Two nodes of one workflow cannot have the same name."""
    with pytest.raises(DuplicateName, match=message):
        compile_graph("run", components, SETTINGS)


def test_a_cycle_through_components_is_rejected() -> None:
    """A cycle is found through needs on whole components."""
    cycle = (a_component("a", a_step("x", needs=("b",))), a_component("b", a_step("y", needs=("a",))))
    with pytest.raises(DependencyCycle, match=r"a\.x -> b\.y -> a\.x"):
        compile_graph("run", cycle, SETTINGS)


def test_services_are_found_by_every_name() -> None:
    """A component's name and its aliases find all its services, a service's name finds that one."""
    site = a_component("site", a_step("configure"), a_service("web"), a_service("ask", port=81), aliases=("www",))
    other = a_component("mail", a_service("smtp"))
    graph = compile_graph("run", [site, other], Settings())
    assert [find_services(name, graph, [site, other]) for name in ("site", "www", "web", "mail")] == [
        ("web", "ask"), ("web", "ask"), ("web",), ("smtp",)
    ]  # fmt: skip


def test_a_name_without_service_is_rejected() -> None:
    """An unknown name is rejected with the closest one, a component without services with the list of services."""
    components = [a_component("site", a_service("web")), a_component("keys", a_step("make"))]
    graph = compile_graph("run", components, Settings())
    with pytest.raises(ComponentUnknown, match="did you mean 'web'"):
        find_services("wbe", graph, components)
    with pytest.raises(UsageError, match=r"^component keys has no service; the services are: web$"):
        find_services("keys", graph, components)


def test_a_supporting_component_may_need_itself() -> None:
    """Needs between the steps of one component do not prevent its selection."""
    tools = a_component("tools", a_step("fetch"), a_step("link", needs=("tools.fetch",)))
    assert names(select_components([WEB, DATABASE, tools], ["web"], SETTINGS)) == ["web", "database", "tools"]
