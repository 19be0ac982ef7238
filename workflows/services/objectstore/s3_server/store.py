"""What the operations work on: the index and the contents."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from .contents import Content, Contents
from .database import Database
from .errors import S3Error
from .objects import Objects, StoredObject
from .uploads import Uploads

T = TypeVar("T")


class Store:
    """The buckets, objects and uploads in one folder."""

    def __init__(self, folder: Path) -> None:
        """Open the store; files without an object, which a crash left, are removed."""
        self.contents = Contents(folder)
        database = Database(folder)
        self.objects = Objects(database, self.contents.etag)
        self.uploads = Uploads(database)
        self.contents.remove_except(self.objects.files())

    def open(self, bucket: str, key: str) -> tuple[StoredObject, Content]:
        """Return an object and its content, which the caller closes; raise NoSuchBucket or NoSuchKey."""
        return self._hold(bucket, key, self.contents.open)

    @contextmanager
    def copy(self, bucket: str, key: str) -> Iterator[tuple[StoredObject, str]]:
        """Return an object and the file of a copy of its content, which is removed if the block raises an error."""
        found, file = self._hold(bucket, key, self.contents.link)
        try:
            yield found, file
        except BaseException:
            self.contents.remove(file)
            raise

    def _hold(self, bucket: str, key: str, take: Callable[[str], T]) -> tuple[StoredObject, T]:
        """Return an object and what ``take`` returns for its file, of the newer object if it is replaced meanwhile."""
        missing = None
        while (found := self.objects.find(bucket, key)) != missing:
            try:
                return found, take(found.file)
            except FileNotFoundError:
                missing = found
        raise S3Error(500, "InternalError", f"the content of {key} is missing: {found.file}")
