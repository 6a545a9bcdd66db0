"""Device profiles: which controllers a synthesiser has, and what each sounds like."""
