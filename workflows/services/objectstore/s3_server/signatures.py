"""What both versions of signatures have in common."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from .errors import S3Error, access_denied

TOLERANCE = timedelta(minutes=15)  # between the clocks of client and server, as in S3


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its signature: the access key, the signature, and when it is valid.

    ``at`` is the time of the request; ``until`` is the end of a presigned address, ``None`` of another request.
    """

    access: str
    signature: str
    at: datetime
    until: datetime | None

    def check_time(self, now: datetime) -> None:
        """Raise RequestTimeTooSkewed, or AccessDenied for a presigned address, if the request is not valid now."""
        if self.until is not None and self.until < now:
            raise access_denied(f"Request has expired: the address was valid until {self.until}")
        if self.until is not None and self.at - now > TOLERANCE:
            raise access_denied(f"Request is not yet valid: the address is valid from {self.at}")
        if self.until is None and abs(self.at - now) > TOLERANCE:
            found = f"the request is of {self.at}, the time of the server is {now}; at most 15 minutes are allowed between them"
            raise S3Error(403, "RequestTimeTooSkewed", found)
