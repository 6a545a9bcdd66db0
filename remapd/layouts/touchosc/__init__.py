"""Layouts for TouchOSC: pages of the control tree as a compressed XML document."""
