"""What every process of ours does for its own safety, and how it runs other programs."""
