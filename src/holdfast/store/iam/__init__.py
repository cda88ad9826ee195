"""Users of the IAM in the store: their logins, their tokens, and what their permissions open."""
