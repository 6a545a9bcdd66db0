"""From features to modulation: the mapper and the model file."""
