"""Where the files of a stack are."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """Where everything of one stack lies; absolute, because a relative path breaks in a privileged helper."""

    root: Path

    @property
    def etc(self) -> Path:
        """Return the folder of generated configuration."""
        return self.root / "etc"

    @property
    def log(self) -> Path:
        """Return the folder of log files, one a service."""
        return self.root / "log"

    @property
    def data(self) -> Path:
        """Return the folder of databases, images, queues and servers' disks."""
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
        """Return the source tree that services run from; there is none where they are as released."""
        return self.root / "source"

    @property
    def credentials(self) -> Path:
        """Return the folder (0700) of what a client needs to log in."""
        return self.root / "credentials"

    @property
    def journal(self) -> Path:
        """Return the file that holds every event, in order."""
        return self.root / "journal.jsonl"

    @property
    def lock(self) -> Path:
        """Return the file that whoever works on the stack holds locked."""
        return self.run / "stack.lock"

    @property
    def imports(self) -> Path:
        """Return the folder in which nodes note what they import from the source tree; it is there while somebody wants to know."""
        return self.run / "imports"

    @property
    def control(self) -> Path:
        """Return the supervisor's Unix socket."""
        return self.run / "control.sock"
