"""Presigned addresses of the object store, for the stack's own requests.

Source: Amazon's "Signing and authenticating REST requests (AWS signature version 2)", "Query string request authentication".
"""

import base64
import hashlib
import hmac
import time
from urllib.parse import urlencode, urlsplit

VALID_S = 300


def presign(method: str, url: str, access: str, secret: str) -> str:
    """Return the address of a request with its signature, which is valid for five minutes."""
    expires = int(time.time()) + VALID_S
    text = f"{method}\n\n\n{expires}\n{urlsplit(url).path}"
    signature = base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()).decode()
    return f"{url}?{urlencode({'AWSAccessKeyId': access, 'Expires': expires, 'Signature': signature})}"
