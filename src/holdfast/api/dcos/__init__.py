"""The DC/OS secrets API over the store."""
