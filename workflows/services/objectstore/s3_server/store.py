"""What the operations work on: the index and the contents."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .contents import Content, Contents
from .database import Database
from .errors import no_such_key
from .objects import Objects, StoredObject
from .uploads import Uploads


class Store:
    """The buckets, objects and uploads in one folder."""

    def __init__(self, folder: Path) -> None:
        """Open the store; files without an object, which a crash left, are removed."""
        self.contents = Contents(folder)
        database = Database(folder)
        self.objects = Objects(database, self.contents.etag)
        self.uploads = Uploads(database)
        self.contents.remove_except(self.objects.files())

    def open(self, found: StoredObject, first: int = 0, length: int = -1) -> Content:
        """Open the content of an object; raise NoSuchKey if it was deleted or replaced meanwhile."""
        try:
            return self.contents.open(found.file, first, length)
        except FileNotFoundError as error:
            raise no_such_key(found.key) from error

    @contextmanager
    def copy(self, found: StoredObject) -> Iterator[str]:
        """Copy the content of an object; the copy is removed if the block raises an error. Raise NoSuchKey as ``open`` does."""
        try:
            file = self.contents.link(found.file)
        except FileNotFoundError as error:
            raise no_such_key(found.key) from error
        try:
            yield file
        except BaseException:
            self.contents.remove(file)
            raise
