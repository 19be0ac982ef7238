"""A signed request to the EC2 API.

Source: Amazon's "Signature Version 2 signing process".
"""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import quote, urlencode, urlsplit


def sign_request(url: str, action: str, access: str, secret: str) -> str:
    """Return the URL of a GET request for an action, with its signature."""
    arguments = {
        "AWSAccessKeyId": access,
        "Action": action,
        "SignatureMethod": "HmacSHA256",
        "SignatureVersion": "2",
        "Timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "Version": "2016-11-15",
    }
    query = urlencode(arguments, quote_via=quote)
    text = f"GET\n{urlsplit(url).netloc}\n/\n{query}"
    signature = base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())
    return f"{url}?{query}&Signature={quote(signature, safe='')}"
