"""Differentiable blocks, and of each synth a twin built from them that gradients run through.

Every block is defined by a form in plain PyTorch operations, which runs on any device.
"""
