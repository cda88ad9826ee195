"""How many requests one address may send: rules, and the gate that counts in every process."""
