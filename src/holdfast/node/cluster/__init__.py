"""The node as one of several: who is there, who has which volume, and how secure all are together."""
