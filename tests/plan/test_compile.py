"""From components to a graph: who takes part, and what every need means."""

import pytest

from novaflow.errors import ComponentUnknown, DependencyCycle, DuplicateName, NeedUnknown, PortConflict, UsageError
from novaflow.model.component import Component
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


def test_everything_takes_part_by_default() -> None:
    """No name wanted means all of them."""
    assert names(select_components((DATABASE, WEB, MAIL), (), SETTINGS)) == ["database", "web", "mail"]


def test_what_is_needed_comes_along() -> None:
    """A wanted component brings what it needs, however indirectly, and not more."""
    assert names(select_components((DATABASE, MAIL, WEB), ("web",), SETTINGS)) == ["database", "web"]


def test_what_only_uses_the_chosen_comes_along() -> None:
    """A component without services is part of the stack if all it needs is, in whatever order they are listed."""
    assert names(select_components((DATABASE, LINKS, MAIL, PAGES, WEB), ("web",), SETTINGS)) == ["database", "links", "pages", "web"]
    assert names(select_components((DATABASE, LINKS, MAIL, PAGES, WEB), ("mail",), SETTINGS)) == ["mail"]


def test_names_of_old_are_known() -> None:
    """nova.sh's name of a component serves as well as today's."""
    assert resolve_name("www", (DATABASE, WEB)) == "web"
    assert names(select_components((DATABASE, WEB), ("www",), SETTINGS)) == ["database", "web"]


@pytest.mark.parametrize(("name", "said"), [("databse", "did you mean 'database'?"), ("zzz", "there is no component 'zzz'")])
def test_an_unknown_name_is_refused(name: str, said: str) -> None:
    """A misspelt name suggests the nearest there is."""
    with pytest.raises(ComponentUnknown) as refused:
        select_components((DATABASE, WEB), (name,), SETTINGS)
    assert str(refused.value).endswith(said)


def test_a_component_that_does_not_run_by_default_is_named() -> None:
    """Without names it is left out; ``default`` stands for all the others."""
    extra = a_component("extra", a_service("extra"), default=False)
    assert names(select_components((DATABASE, extra), (), SETTINGS)) == ["database"]
    assert names(select_components((DATABASE, extra), ("extra",), SETTINGS)) == ["extra"]
    assert names(select_components((DATABASE, extra), ("default", "extra"), SETTINGS)) == ["database", "extra"]


def test_settings_leave_components_out() -> None:
    """A component that the settings rule out takes no part, even if it was asked for."""
    never = a_component("never", a_service("never"), when=lambda settings: settings.host_ip != "127.0.0.1")
    assert names(select_components((DATABASE, never), (), SETTINGS)) == ["database"]
    assert names(select_components((DATABASE, never), ("never", "database"), SETTINGS)) == ["database"]


def test_settings_leave_parts_out() -> None:
    """A part that the settings rule out is no node, and what it needs does not come along."""
    component = a_component(
        "web", a_step("users", needs=("smtp",), when=lambda settings: settings.host_ip != "127.0.0.1"), a_service("httpd")
    )
    assert [*compile_graph("run", (component,), SETTINGS).nodes] == ["httpd"]
    assert names(select_components((component, MAIL), ("web",), SETTINGS)) == ["web"]


def test_steps_carry_their_components_name_and_services_their_own() -> None:
    """Two components may have a step of the same name."""
    assert [*compile_graph("run", (DATABASE, WEB), SETTINGS).nodes] == ["mariadb", "web.schema", "web"]


def test_a_need_on_a_component_means_all_of_it() -> None:
    """A need that names a component, and no node, is met when every part of it is up."""
    graph = compile_graph(
        "run", (a_component("pair", a_step("a"), a_step("b")), a_component("user", a_step("go", needs=("pair",)))), SETTINGS
    )
    assert graph.nodes["user.go"].needs == {"pair.a", "pair.b"}


def test_a_need_on_a_node_means_that_node() -> None:
    """Where a node and a component share a name, the node is meant."""
    assert compile_graph("run", (DATABASE, WEB, PAGES), SETTINGS).nodes["pages.upload"].needs == {"web"}


def test_a_need_of_another_workflow_is_met_already() -> None:
    """What exists and takes no part in this workflow holds nobody up."""
    packages = a_component("packages", a_step("fetch"), workflow="install")
    user = a_component("user", a_step("go", needs=("packages.fetch", "packages")))
    assert compile_graph("run", (packages, user), SETTINGS).nodes["user.go"].needs == frozenset()


def test_everything_means_all_that_do_not_say_so_themselves() -> None:
    """What comes last waits for all the rest, and not for another that comes last."""
    last = a_component("last", a_step("look", needs=(EVERYTHING,)), a_step("tell", needs=(EVERYTHING,)))
    graph = compile_graph("run", (DATABASE, WEB, last), SETTINGS)
    assert graph.nodes["last.look"].needs == graph.nodes["last.tell"].needs == {"mariadb", "web.schema", "web"}


def test_an_unknown_need_is_refused() -> None:
    """A need that names nothing is refused, with the nearest there is."""
    with pytest.raises(NeedUnknown, match=r"user\.go needs 'mariabd', which does not exist; did you mean 'mariadb'\?"):
        compile_graph("run", (DATABASE, a_component("user", a_step("go", needs=("mariabd",)))), SETTINGS)


def test_after_counts_only_where_the_other_is() -> None:
    """``after`` orders what takes part, and is silent about what does not."""
    user = a_component("user", a_step("go", after=("mariadb", "nobody")))
    assert compile_graph("run", (DATABASE, user), SETTINGS).nodes["user.go"].needs == {"mariadb"}


def test_a_shared_port_is_refused() -> None:
    """Two services of one workflow cannot listen on one port."""
    with pytest.raises(PortConflict, match="one and two both want port 80"):
        compile_graph("run", (a_component("a", a_service("one", port=80)), a_component("b", a_service("two", port=80))), SETTINGS)


@pytest.mark.parametrize(
    ("components", "said"),
    [
        ((a_component("a", a_service("web")), a_component("b", a_service("web"))), "there is a 'web' in a and in b"),
        ((a_component("a", a_step("go"), a_step("go")),), "there is a 'a.go' twice in a"),
    ],
)
def test_a_shared_name_is_refused(components: tuple[Component, ...], said: str) -> None:
    """Two nodes of one name would be one too few."""
    with pytest.raises(DuplicateName, match=said):
        compile_graph("run", components, SETTINGS)


def test_a_circle_through_components_is_refused() -> None:
    """A need on a whole component that leads back is found as well."""
    circle = (a_component("a", a_step("x", needs=("b",))), a_component("b", a_step("y", needs=("a",))))
    with pytest.raises(DependencyCycle, match=r"a\.x -> b\.y -> a\.x"):
        compile_graph("run", circle, SETTINGS)


def test_services_are_found_by_every_name() -> None:
    """A component's name means all it runs, so does its old one; a service's name means that one."""
    site = a_component("site", a_step("configure"), a_service("web"), a_service("ask", port=81), aliases=("www",))
    other = a_component("mail", a_service("smtp"))
    graph = compile_graph("run", [site, other], Settings())
    assert [find_services(name, graph, [site, other]) for name in ("site", "www", "web", "mail")] == [
        ("web", "ask"), ("web", "ask"), ("web",), ("smtp",)
    ]  # fmt: skip


def test_a_name_that_means_no_service_is_refused() -> None:
    """With the nearest there is; a component that runs nothing says so."""
    components = [a_component("site", a_service("web")), a_component("keys", a_step("make"))]
    graph = compile_graph("run", components, Settings())
    with pytest.raises(ComponentUnknown, match="did you mean 'web'"):
        find_services("wbe", graph, components)
    with pytest.raises(UsageError, match=r"^keys runs no service; those that run are: web$"):
        find_services("keys", graph, components)


def test_a_helper_whose_steps_need_each_other_takes_part() -> None:
    """What it needs of itself comes with it."""
    tools = a_component("tools", a_step("fetch"), a_step("link", needs=("tools.fetch",)))
    assert names(select_components([WEB, DATABASE, tools], ["web"], SETTINGS)) == ["web", "database", "tools"]
