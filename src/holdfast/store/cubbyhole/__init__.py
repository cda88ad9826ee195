"""What each token keeps for itself."""
