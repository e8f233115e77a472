"""One-time setup: schema, bucket, queues, policy, notification."""
