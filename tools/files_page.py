"""The reference of the files of a stack, written from the class that knows their paths."""

import inspect
from collections.abc import Iterator
from pathlib import Path

from novaflow.model.paths import Paths
from tools.markdown import GENERATED, escape, table

_HEAD = """\
# Files

Everything that belongs to a stack is in its folder, called DIR here (default: `nova` in the current folder). Files belong to
root. [What novaflow changes on the machine](machine.md) lists what is outside of DIR.

Folders have mode 0700 and files 0600. With `NOVAFLOW_GROUP`, the members of the group may also read the logs and the journal, and
connect to the socket; see [Share a cloud with a team](../how-to/share-with-a-team.md).
"""
_CREDENTIALS = """\
## DIR/credentials

Mode 0700; each file has mode 0600. Passwords are generated once per stack. With `NOVAFLOW_GROUP`, the members of the group may read
`demo-openrc`, `demo-novarc` and `events.json` (mode 0640), and the folder has mode 0710.

| file | content |
|---|---|
| `clouds.yaml` | the clouds `novaflow` and `novaflow-demo`, for clients of OpenStack (`OS_CLIENT_CONFIG_FILE`, `OS_CLOUD=novaflow`) |
| `openrc`, `demo-openrc` | the same as shell exports, of the administrator and of the ordinary user `demo` |
| `demo-novarc` | EC2 and S3 keys of `demo` |
| `novarc`, `nova.zip` | keys, addresses and certificates for clients of Amazon EC2 |
| `s3rc` | keys and address of the object store for clients of Amazon S3 |
| `events.json` | address and exchange for subscribers to events; with TLS, also `cacert`, the authority to trust |
| `tty-password` | the password of root at the consoles of servers of the tty images |
| `secrets.json` | the passwords of the stack; [`secrets rotate`](../how-to/change-secrets.md) changes them |
| `secrets.old.json` | those before `secrets rotate`, until the new ones are applied |
| `ldap-password` | the password of the LDAP manager, with `USE_LDAP=1` |
"""


def page() -> str:
    """Return the page: a table of paths, then the credentials."""
    return "\n".join([GENERATED, _HEAD, *table(("path", "content"), ((path, escape(content)) for path, content in files())), _CREDENTIALS])


def files() -> Iterator[tuple[str, str]]:
    """Return the path of each file of a stack and what it contains."""
    paths = Paths(Path("DIR"))
    for name, member in vars(Paths).items():
        if isinstance(member, property):
            text = " ".join((inspect.getdoc(member) or "").split()).removeprefix("Return ").rstrip(".")
            yield f"`{getattr(paths, name)}`", text
