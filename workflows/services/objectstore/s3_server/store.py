"""What the operations work on: the index and the contents."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from .contents import Content, Contents
from .database import ADMIN, Database, View
from .errors import S3Error
from .objects import Objects, StoredObject
from .quota import Quota, Space
from .uploads import Uploads

T = TypeVar("T")


class Store:
    """The buckets, objects and uploads in one folder, as one project sees them."""

    def __init__(self, contents: Contents, database: Database, quota: Quota, project: str = ADMIN, *, sees_all: bool = True) -> None:
        view = View(database, project, sees_all=sees_all)
        self.contents, self.objects, self.uploads = contents, Objects(view, contents.etag), Uploads(view)
        self.project, self._database, self._quota, self._view = project, database, quota, view

    @classmethod
    def open_folder(cls, folder: Path, quota: int) -> "Store":
        """Open the store for all projects; files without an object, which a crash left, are removed.

        ``quota`` is the number of bytes that each project may store; 0 is no limit.
        """
        store = cls(Contents(folder), Database(folder), Quota(quota))
        store.contents.remove_except(store.objects.files())
        return store

    def of_project(self, project: str) -> "Store":
        """Return the store with the buckets of a project only."""
        return Store(self.contents, self._database, self._quota, project, sees_all=False)

    @contextmanager
    def space(self, bucket: str) -> Iterator[Space]:
        """Return the space of a new content in a bucket, which is reserved until the block ends."""
        space = Space(self._view, self._quota, bucket)
        try:
            yield space
        finally:
            space.release()

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
