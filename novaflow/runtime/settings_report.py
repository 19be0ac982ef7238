"""The settings of a stack as text: for users, for programs and for shells."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from novaflow.errors import MachineError, SettingsInvalid, UsageError
from novaflow.model.settings import Settings
from novaflow.settings import LoadedSettings, SettingsGroup, bypass_proxies
from novaflow.settings.texts import write_display_texts, write_masked_texts

ADMINISTRATOR = "admin"


def require_available(loaded: LoadedSettings, kind: type[SettingsGroup] = SettingsGroup) -> None:
    """Return if this machine has what the settings of that kind name.

    Raises: SettingsInvalid, with one line for each setting.
    """
    texts = write_masked_texts(loaded.settings)
    groups = (group for group in loaded.settings.groups.values() if isinstance(group, kind))
    missing = [(name, one.reason) for group in groups for one in group.find_unavailable() for name in one.names]
    if missing:
        raise SettingsInvalid("\n".join(f"{name}={texts[name]} ({loaded.origins[name]}): {reason}" for name, reason in missing))


def describe_settings(loaded: LoadedSettings) -> Mapping[str, Mapping[str, str]]:
    """Return the object that `config --json` prints: each setting's value and origin; an empty value means that it is not set."""
    texts = write_masked_texts(loaded.settings)
    return {name: {"value": text, "origin": loaded.origins[name]} for name, text in texts.items()}


def tabulate_settings(loaded: LoadedSettings) -> str:
    """Return a line for each setting: name, value and origin; the default is in parentheses where nothing is set."""
    values = write_display_texts(loaded.settings)
    name_width, value_width = (max(map(len, texts)) for texts in (values.keys(), values.values()))
    return "\n".join(f"{name:<{name_width}}  {value:<{value_width}}  {loaded.origins[name]}" for name, value in values.items())


def find_openrc(folder: Path, user: str) -> Path:
    """Return the file with the credentials of a user: `openrc` of the administrator, else for example `demo-openrc`.

    Raises: UsageError, if the folder has the administrator's and not this one.
    """
    openrc = folder / "openrc"
    if user == ADMINISTRATOR:
        return openrc
    path = folder / f"{user}-openrc"
    if Path(user).name != user or (openrc.exists() and not path.exists()):
        raise UsageError(f"there are no credentials of user {user!r}: {path} does not exist")
    return path


def export_credentials(openrc: Path) -> Iterator[str]:
    """Yield the exports of an openrc file, quoted again; none if the file does not exist.

    Raises: MachineError, if this user may not read it; UsageError, if it cannot be read.
    """
    try:
        lines = [shlex.split(line, comments=True) for line in openrc.read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        return
    except PermissionError as error:
        raise MachineError(f"{openrc} is for the owner of the stack: use sudo, or `novaflow env --user demo`") from error
    except OSError as error:
        raise UsageError(f"{openrc} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{openrc} is not a file that novaflow wrote: {error}") from error
    for line in lines:
        match line:
            case ["export", *assignments]:
                for name, _, text in (word.partition("=") for word in assignments if "=" in word):
                    yield f"export {name}={shlex.quote(text)}"


def export_proxy_exception(settings: Settings, exports: Iterable[str]) -> str:
    """Return lines for a shell that exempt the stack from the user's proxies: the host of the first URL in the exports, or HOST_IP.

    Members of NOVAFLOW_GROUP do not know HOST_IP, which may be set in the folder of the stack.
    """
    values = (shlex.split(line)[1].partition("=")[2] for line in exports)
    hosts = (urlsplit(value).hostname for value in values if value.startswith(("http://", "https://")))
    return bypass_proxies(next(filter(None, hosts), settings.host_ip))
