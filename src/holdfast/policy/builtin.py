"""The policies that exist from the start. ``root`` is one too, but has no text: ``acl.root_policy``."""

RESPONSE_WRAPPING = "response-wrapping"
"""The policy of one-time tokens: nobody else gets it, and nobody changes it."""

RESPONSE_WRAPPING_POLICY = """\
path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}
"""

DEFAULT_POLICY = """\
# What every token may do with itself, unless it was made without this policy.

path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}

# See whose it is.
path "identity/entity/id/{{identity.entity.id}}" {
  capabilities = ["read"]
}
path "identity/entity/name/{{identity.entity.name}}" {
  capabilities = ["read"]
}

# Ask what it may do.
path "sys/capabilities-self" {
  capabilities = ["update"]
}
path "sys/internal/ui/resultant-acl" {
  capabilities = ["read"]
}

# Renew and look up a lease whose id it knows.
path "sys/renew" {
  capabilities = ["update"]
}
path "sys/leases/renew" {
  capabilities = ["update"]
}
path "sys/leases/lookup" {
  capabilities = ["update"]
}

# Keep things in the storage that ends with the token.
path "cubbyhole/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}

# Wrap an answer, look at a wrapped one, and unwrap one.
path "sys/wrapping/wrap" {
  capabilities = ["update"]
}
path "sys/wrapping/lookup" {
  capabilities = ["update"]
}
path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}

# Hash something.
path "sys/tools/hash" {
  capabilities = ["update"]
}
path "sys/tools/hash/*" {
  capabilities = ["update"]
}
"""
