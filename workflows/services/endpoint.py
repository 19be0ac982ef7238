"""The endpoint of a service's API."""

from dataclasses import dataclass

from novaflow.model.settings import Settings

PROJECT_ID = "$(project_id)s"  # Source: keystone's admin guide, "Service catalog"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint of an API, which the component that serves it declares.

    ``service_type`` is the type of the service in keystone's catalog, such as ``compute``. ``path`` is the part of the URL
    after the port; it may contain ``PROJECT_ID``, for which keystone substitutes the id of the client's project.
    """

    service_type: str
    port: int
    path: str = ""

    def url(self, settings: Settings) -> str:
        """Return the URL of the API, as the catalog stores it."""
        return f"http://{settings.host_ip}:{self.port}{self.path}"
