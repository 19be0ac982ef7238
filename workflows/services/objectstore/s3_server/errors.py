"""The errors of S3's protocol."""


class S3Error(Exception):
    """An error that the client receives, with S3's status, code and message."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def not_implemented(what: str) -> S3Error:
    """Return the error of a request that S3 has and this server does not support."""
    return S3Error(501, "NotImplemented", f"{what} is not supported")


def invalid(message: str) -> S3Error:
    """Return the error of a request that S3's protocol does not allow."""
    return S3Error(400, "InvalidRequest", message)


def no_such_bucket(name: str) -> S3Error:
    """Return the error of a bucket that does not exist."""
    return S3Error(404, "NoSuchBucket", f"bucket {name} does not exist")


def no_such_key(key: str) -> S3Error:
    """Return the error of an object that does not exist."""
    return S3Error(404, "NoSuchKey", f"object {key} does not exist")


def no_such_upload(upload_id: str) -> S3Error:
    """Return the error of a multipart upload that does not exist, or does not exist any more."""
    return S3Error(404, "NoSuchUpload", f"upload {upload_id} does not exist: it was completed or aborted")


def precondition_failed(name: str) -> S3Error:
    """Return the error of a conditional request whose condition is not met."""
    return S3Error(412, "PreconditionFailed", f"the condition of {name} is not met")


def access_denied(message: str) -> S3Error:
    """Return the error of a client that may not do what it asks for."""
    return S3Error(403, "AccessDenied", message)


def signature_does_not_match(what: str) -> S3Error:
    """Return the error of a request whose signature is another one than that of the secret key."""
    return S3Error(403, "SignatureDoesNotMatch", f"the signature of {what} is not that of this content with this access key")
