"""PostgreSQL: the schema and its migrations, and every statement, by the table it works on."""
