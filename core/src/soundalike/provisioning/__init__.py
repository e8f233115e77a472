"""Everything that is set up once: schema, bucket, queues, policy, notification."""
