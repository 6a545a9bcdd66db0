"""The control plane: one controller over one tree, and everything through which people reach it."""
