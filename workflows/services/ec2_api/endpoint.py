"""The endpoint of the EC2 API."""

from novaflow.model.endpoint import Endpoint

ENDPOINT = Endpoint("ec2", port=8773, path="/")
