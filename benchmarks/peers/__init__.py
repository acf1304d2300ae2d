"""What runs in processes of its own: the peers of bpcli, each as its users would write it."""
