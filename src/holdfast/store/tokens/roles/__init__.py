"""Token roles: what tokens may be made at ``auth/token/create/<role>``."""
