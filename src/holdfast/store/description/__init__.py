"""What there is to ask for, written down from the route tables."""
