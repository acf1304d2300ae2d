"""An experiment up to the point of training."""
