"""Objects, messages and files: S3, SQS, and versions of files on disk."""
