"""The model that plays unless another is named; apart, so that the command line can say it without loading anything."""

DEFAULT_MODEL = "snare_1"
