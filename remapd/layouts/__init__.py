"""Layouts of control surfaces, made from the tree of controls."""
