"""Compiled kernels with gradients written by hand: the differentiable blocks on the CPU."""
