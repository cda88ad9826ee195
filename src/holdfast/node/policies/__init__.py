"""Storage policies: what a volume may and must be."""
