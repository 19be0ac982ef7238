"""The limits of this process, which the programs that it starts inherit."""

import resource

DESCRIPTORS = 65_536  # what RabbitMQ recommends; a login shell often has 1,024


def set_descriptor_limit(wanted: int = DESCRIPTORS) -> None:
    """Allow this process, and every program that it starts, ``wanted`` open files, whatever limit it has inherited.

    A user who may not raise the inherited limit gets the most that it allows.
    """
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    except (ValueError, OSError):  # raising a hard limit needs CAP_SYS_RESOURCE
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
