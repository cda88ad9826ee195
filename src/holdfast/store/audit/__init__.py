"""What the store tells its audit devices, and what it is told of them."""
