"""The rows of the table, service by service, each with its handlers."""
