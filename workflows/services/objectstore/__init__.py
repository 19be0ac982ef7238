"""objectstore: buckets and objects over the S3 protocol."""
