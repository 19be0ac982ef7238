"""The supervisor's HTTP interface on a Unix socket.

Commands import ``client`` as a module: ``server`` loads a web server, which only the supervisor needs.
"""
