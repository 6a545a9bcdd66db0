"""Exchange of models with TorchDrum, whose models are TorchScript files.

Such a file is a program. One that comes in is read by a process of its own (`child`), which first refuses every file
whose code does more than arithmetic (`archive`, `code`), then hands the steps of the computation over as plain numbers
(`graph`). Here they become a model if they are those of a mapper (`shape`), and the model has to answer as the file
does (`importing`). Only `child`, `graph` and `exporting` import torch.
"""
