"""HAProxy: accepts the connections of clients at HOST_IP."""
