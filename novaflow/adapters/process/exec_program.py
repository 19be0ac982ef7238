"""Replaces the program of this process."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn


def replace_process(argv: Sequence[str], *, output: Path, keep: Sequence[int]) -> NoReturn:
    """Run another program in this process, with the same pid; it inherits the descriptors ``keep``, and appends to ``output``.

    Raises: OSError, if the program cannot be executed.
    """
    for descriptor in keep:
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - it takes no keyword
    for target, path, flags in ((0, Path(os.devnull), os.O_RDONLY), (1, output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)):
        source = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        os.dup2(source, target)
    os.dup2(1, 2)
    os.execv(argv[0], [*argv])  # noqa: S606 - the arguments are ours
