"""The files of a stack."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of one stack; ``root`` is absolute, because services and helpers run in other folders."""

    root: Path

    @property
    def etc(self) -> Path:
        """Return the folder of generated configuration."""
        return self.root / "etc"

    @property
    def log(self) -> Path:
        """Return the folder of log files, one for each service."""
        return self.root / "log"

    @property
    def data(self) -> Path:
        """Return the folder of databases, images, queues and disks of servers."""
        return self.root / "data"

    @property
    def run(self) -> Path:
        """Return the folder of sockets and process ids."""
        return self.root / "run"

    @property
    def venv(self) -> Path:
        """Return the stack's own Python environment."""
        return self.root / "venv"

    @property
    def source(self) -> Path:
        """Return the source tree that services run from; it does not exist if they run a release."""
        return self.root / "source"

    @property
    def local(self) -> Path:
        """Return the folder of the user's configuration files, which extend those of the services."""
        return self.root / "local"

    @property
    def credentials(self) -> Path:
        """Return the folder of credentials for clients."""
        return self.root / "credentials"

    @property
    def secrets(self) -> Path:
        """Return the file of the stack's passwords."""
        return self.credentials / "secrets.json"

    @property
    def old_secrets(self) -> Path:
        """Return the file of the passwords before `secrets rotate`; it exists until the new ones are applied."""
        return self.credentials / "secrets.old.json"

    @property
    def authority(self) -> Path:
        """Return the certificate of the authority that signs those of the stack's endpoints."""
        return self.credentials / "cacert.pem"

    @property
    def journal(self) -> Path:
        """Return the file of all events, in order."""
        return self.root / "journal.jsonl"

    @property
    def lock(self) -> Path:
        """Return the lock file of the stack."""
        return self.run / "stack.lock"

    @property
    def imports(self) -> Path:
        """Return the folder in which services list the modules they import from the source tree; it exists while that is recorded."""
        return self.run / "imports"

    @property
    def control(self) -> Path:
        """Return the supervisor's Unix socket."""
        return self.run / "control.sock"
