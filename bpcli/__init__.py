"""bpcli: neural networks trained by backpropagation, from one YAML file, in NumPy."""
