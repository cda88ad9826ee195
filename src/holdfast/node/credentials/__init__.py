"""Credentials for clouds: records here, secrets at the provider."""
