"""Signed EC2 requests, compared with botocore's signature."""

from urllib.parse import parse_qs, urlsplit

from botocore.auth import SigV2Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from workflows.verify.ec2_request import sign_request


def test_botocore_computes_the_same_signature() -> None:
    """It signs the same parameters, apart from the signature itself."""
    url = sign_request("http://127.0.0.1:8773/", "DescribeRegions", "access", "secret/key")
    parameters = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    signature = parameters.pop("Signature")
    request = AWSRequest(method="GET", url="http://127.0.0.1:8773/", params=dict(parameters))
    _, expected = SigV2Auth(Credentials("access", "secret/key")).calc_signature(request, parameters)
    assert signature == expected
    assert (parameters["Action"], parameters["AWSAccessKeyId"]) == ("DescribeRegions", "access")
