"""How many requests one address may send, and how many leases there may be: rules, and who counts."""
