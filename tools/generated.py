"""All files of the repository that programs write, by path."""

from collections.abc import Mapping
from pathlib import Path

from tools import commands_page, env_example, events_page, exit_codes_page, files_page, lifecycle_page, man_page, schemas, settings_page

ROOT = Path(__file__).parents[1]


def generate_files() -> Mapping[str, str]:
    """Return the path of each generated file below the repository, and its text."""
    return {
        ".env.example": env_example.write_example(),
        "docs/reference/commands.md": commands_page.page(),
        "docs/reference/novaflow.1": man_page.page(),
        "docs/reference/settings.md": settings_page.page(),
        "docs/reference/exit-codes.md": exit_codes_page.page(),
        "docs/reference/files.md": files_page.page(),
        "docs/explanation/life-of-a-node.md": lifecycle_page.page(),
        "docs/events/README.md": events_page.page(events_page.read_examples()),
        **{f"docs/events/{name}": text for name, text in schemas.files().items()},
    }
