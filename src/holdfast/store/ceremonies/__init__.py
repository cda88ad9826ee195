"""What holders of shares do together with an open store: deal new shares, make a root token."""
