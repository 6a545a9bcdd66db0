"""Differentiable blocks, and of each synth a twin built from them that gradients run through.

Every block is defined by a form in plain PyTorch operations, which runs on any device. The costly ones have a compiled
kernel besides, with gradients written by hand, that takes float64 on the CPU (`remapd.training.kernels`).
"""
