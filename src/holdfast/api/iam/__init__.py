"""The IAM API of DC/OS, as far as a secret store needs it: logins, users, groups and permissions."""
