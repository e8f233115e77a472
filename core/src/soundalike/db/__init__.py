"""What the services share: track ids, the schema and its migrations, the queries, the object store, the queue."""
