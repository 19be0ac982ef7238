"""How services of OpenStack log: each line has the ids of the request because of which it was written.

Source: oslo.log's documentation, options logging_context_format_string and logging_user_identity_format.
"""

import re
from datetime import UTC, datetime

from novaflow.model.trace import LogFormat, TraceLine

ID = r"req-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# Time, process, level, module; the ids of the request, and who sent it; text.
LINE = re.compile(rf"(\S+ [\d:.]+) \d+ ([A-Z]+) \S+ (?:\[(?:-|((?:(?:None|{ID}) )+)(\S+)[^]]*)\] )?(.*)")
SERVER = re.compile(r"\[instance: (\S+)\]")
POLL = '"GET '  # how a service logs that it was asked for something
NO_USER = "-"  # instead of a user, in what a service does by itself
# nova-compute logs what libvirt reports with the id of whatever request it had when it connected to libvirt.
REPORTED = "(Lifecycle Event)"


def parse(source: str, line: str) -> TraceLine | None:
    """Return a line of a log; ``None`` if no library of OpenStack has written it."""
    if (match := LINE.fullmatch(line)) is None:
        return None
    time, level, ids, user, text = match.groups()
    is_of_user = ids and user != NO_USER and REPORTED not in text
    # The first id is the one that another service has sent, the second one the service's own.
    request = next(one for one in ids.split() if one != "None") if is_of_user else ""
    return TraceLine(datetime.fromisoformat(time).astimezone(UTC), source, level, request, text)


def concerns(line: TraceLine, server: str) -> bool:
    """Return whether a line is about a server: not a question about it, nor about another server of the same request."""
    named = SERVER.search(line.text)
    return POLL not in line.text and (named is None or named[1] == server)


OSLO_LOG = LogFormat(parse, concerns)
