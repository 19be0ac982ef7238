"""The endpoint of the object store."""

from workflows.services.endpoint import Endpoint

ENDPOINT = Endpoint("s3", port=3333, path="/")
