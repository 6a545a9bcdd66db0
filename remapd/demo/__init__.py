"""The built-in performance."""
