"""Onset features: the only FFT, descriptors and their scaling."""
