"""The embedded S3 and SQS: ministack's two services behind a check of every request's signature."""
