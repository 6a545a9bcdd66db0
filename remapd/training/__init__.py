"""Training: recordings of a drum become a model. Only what lies below imports torch, and only when it is used."""
