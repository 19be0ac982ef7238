"""The endpoint of the object store."""

from novaflow.model.endpoint import Endpoint

ENDPOINT = Endpoint("s3", port=3333, path="/")
