"""Where nova's APIs and its console proxy listen."""

from novaflow.model.endpoint import Endpoint

COMPUTE = Endpoint("compute", port=8774, path="/v2.1")
METADATA_PORT = 8775  # neutron's agents forward requests to 169.254.169.254 to it
CONSOLE = Endpoint("console", port=6080, path="/vnc_lite.html")  # the page of noVNC that connects without a click
