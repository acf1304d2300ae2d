"""What a trained network has learned: which columns its answers hang on, and what each of its neurons does."""
