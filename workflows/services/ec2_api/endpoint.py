"""The endpoint of the EC2 API."""

from workflows.services.endpoint import Endpoint

ENDPOINT = Endpoint("ec2", port=8773, path="/")
