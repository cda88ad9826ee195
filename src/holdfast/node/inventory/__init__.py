"""Which volumes there are, and what this node can do with them."""
