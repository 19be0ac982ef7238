"""The configuration files of services, for users: without passwords."""

import re
from collections.abc import Mapping

from novaflow.errors import UsageError
from novaflow.model.config_file import ConfigFile
from novaflow.runtime.stack import Stack
from novaflow.settings.suggestions import hint_nearest
from novaflow.settings.texts import MASK

# The password of a URL, and the value of an option whose name says that it is secret.
SECRETS = (
    re.compile(r"(://[^\s:/@]*:)[^\s@]+(?=@)"),
    re.compile(r"^(\s*\w*(?:password|secret|secret_key)\s*=\s*)\S.*", re.MULTILINE | re.IGNORECASE),
)


def read_config_files(stack: Stack, name: str) -> Mapping[str, str]:
    """Return the text of each configuration file of a component, by path.

    Raises: UsageError, if there is no such component, or if the files have not been written yet.
    """
    files = {one.name: [each for each in one.declares if isinstance(each, ConfigFile)] for one in stack.components}
    known = [component for component, declared in files.items() if declared]
    if name not in known:
        raise UsageError(f"no service {name!r} has configuration files{hint_nearest(name, known)}; these have: {', '.join(known)}")
    paths = [stack.paths.etc / each.file for each in files[name]]
    if missing := next((path for path in paths if not path.exists()), None):
        raise UsageError(f"{missing} does not exist; `novaflow up` writes it")
    return {str(path): _mask(path.read_text(encoding="utf-8")) for path in paths}


def _mask(text: str) -> str:
    for secret in SECRETS:
        text = secret.sub(rf"\1{MASK}", text)
    return text
