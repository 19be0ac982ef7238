"""Configuration files in the format of oslo.config, which the user's own files extend."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from novaflow.errors import StepFailed
from novaflow.model.config_file import ConfigFile
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.settings import require_trusted

CHECKER = Path(__file__).with_name("check_options.py")

Value = str | int | float | bool | Path
Sections = Mapping[str, Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class OsloConfig(ConfigFile):
    """A configuration file of a service; the user's file of the same name in DIR/local extends it.

    ``package`` is the Python package that publishes the service's options, and ``environment`` the folder of the Python environment
    that contains it.
    """

    package: str
    environment: str = "venv"

    def path(self, ctx: Context) -> Path:
        """Return the path of the file that the service reads."""
        return ctx.paths.etc / self.file

    def local(self, paths: Paths) -> Path:
        """Return the path of the user's file."""
        return paths.local / Path(self.file).name

    async def write(self, ctx: Context, *layers: Sections) -> None:
        """Write the options, and after them the user's file, whose options have priority.

        Raises: StepFailed, naming each option of the user's file that the service does not have, or whose value it rejects;
        NotTrusted, if another user can change the file.
        """
        text, local = render_config(*layers), self.local(ctx.paths)
        await ctx.write(self.path(ctx), text)
        if local.exists():
            require_trusted(local)
            python = ctx.paths.root / self.environment / "bin" / "python"
            if problems := await ctx.run(python, "-I", CHECKER, self.package, self.path(ctx), local):
                raise StepFailed(problems.strip())
            # oslo.config accepts a section twice; of an option that is set twice it takes the last value.
            await ctx.write(self.path(ctx), f"{text}\n# {local}\n{local.read_text(encoding='utf-8')}")


def render_config(*layers: Sections) -> str:
    """Return the text of an oslo.config file; the last layer that sets an option has priority."""
    merged: dict[str, dict[str, Value]] = {}
    for layer in layers:
        for section, options in layer.items():
            merged.setdefault(section, {}).update(options)
    return "\n\n".join(_render_section(section, options) for section, options in merged.items()) + "\n"


def _render_section(name: str, options: Mapping[str, Value]) -> str:
    return "\n".join([f"[{name}]", *(f"{option} = {_render(value)}" for option, value in options.items())])


def _render(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # oslo.config substitutes $name, which a password may contain.
    return str(value).replace("$", "$$")
