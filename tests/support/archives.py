"""Archives of tar."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path


def write_archive(path: Path, texts: Mapping[str, str]) -> Path:
    """Write an archive with these files, by name, that only its owner may read; return its path."""
    with tarfile.open(path, "w") as archive:
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    path.chmod(0o600)
    return path
