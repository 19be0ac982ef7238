"""An S3 server: a WSGI application that gunicorn serves.

The package is copied into the stack, so its modules import each other relatively. ``routes`` lists what is supported.
"""
