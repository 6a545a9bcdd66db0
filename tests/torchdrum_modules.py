"""TorchDrum models made by hand, in the forms such files come in; needs torch."""

import io
import warnings
import zipfile

import numpy as np
import torch


class Wrapper(torch.nn.Module):
    """As the published training writes it: mapper, then damping and clipping, then the preset as a second row."""

    def __init__(self, model, damp, patch):
        super().__init__()
        self.model = model
        self.projection = torch.nn.Identity()
        self.register_buffer("damp", damp)
        self.register_buffer("patch", patch)

    def forward(self, x):
        modulation = torch.clip(self.model(self.projection(x)) * self.damp, -1.0, 1.0)
        return torch.cat([modulation, self.patch], dim=0)


class Mlp(torch.nn.Module):
    def __init__(self, width=32, layers=1, input_bias=0.0, activation=None, norm=True, affine=False):
        super().__init__()
        sizes = [3] + [width] * layers
        net = []
        for i in range(layers):
            net.append(torch.nn.Linear(sizes[i], sizes[i + 1]))
            if norm:
                net.append(torch.nn.LayerNorm(width, elementwise_affine=affine))
            net.append(activation or torch.nn.ReLU())
        self.net = torch.nn.Sequential(*net, torch.nn.Linear(sizes[-1], 14))
        self.input_bias = input_bias
        self.squashes = True

    def forward(self, x):
        y = self.net(x + self.input_bias)
        if self.squashes:
            y = torch.tanh(y)
        return y


class Linear(torch.nn.Module):
    def __init__(self, bias=False):
        super().__init__()
        self.net = torch.nn.Linear(3, 14, bias=bias)

    def forward(self, x):
        return torch.clamp(self.net(x), -1.0, 1.0)


class Stacked(torch.nn.Module):
    """Sequential network; rows stacked; centring and damping where one would not look for them."""

    def __init__(self, damp, patch):
        super().__init__()
        layers = (torch.nn.Linear(3, 16), torch.nn.LayerNorm(16, elementwise_affine=False), torch.nn.ReLU())
        self.layers = torch.nn.Sequential(*layers, torch.nn.Linear(16, 14), torch.nn.Tanh())
        self.register_buffer("low", torch.tensor([0.1, 0.2, 0.3]))
        self.register_buffer("high", torch.tensor([0.9, 0.7, 1.3]))
        self.register_buffer("patch", patch[0])
        self.register_buffer("half_damp", 0.5 * damp[0])

    def forward(self, x):
        scaled = (x - self.low) / (self.high - self.low)
        row = self.layers(scaled).squeeze(0) * 2.0 * self.half_damp
        return torch.stack([row.clamp(-1.0, 1.0), self.patch], 0)


class ByHand(torch.nn.Module):
    """Matrices and functions in place of modules."""

    def __init__(self, damp, patch):
        super().__init__()
        self.first = torch.nn.Parameter(torch.randn(3, 8))
        self.offset = torch.nn.Parameter(torch.randn(8))
        self.last = torch.nn.Parameter(torch.randn(14, 8))
        self.register_buffer("damp", damp)
        self.register_buffer("patch", patch)

    def forward(self, x):
        y = torch.relu(torch.nn.functional.layer_norm(torch.matmul(x, self.first) + self.offset, [8]))
        y = torch.tanh(torch.nn.functional.linear(y, self.last)) * self.damp
        return torch.cat((y, self.patch))


class Returns(torch.nn.Module):
    """Whatever a function of (x, patch) gives."""

    def __init__(self, function, patch):
        super().__init__()
        self.function = function
        self.register_buffer("patch", patch)

    def forward(self, x):
        return self.function(x, self.patch)


class Loop(torch.nn.Module):
    def forward(self, x):
        n = 0
        while n < 10:
            n = n - 1
        return torch.cat([x, x * n])


class Twice(torch.nn.Module):
    """Calls what is inside twice, so that a few of them nested take for ever, without a loop."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x) + self.inner(x)


class AtLoad(torch.nn.Module):
    """Runs while it is loaded."""

    def __init__(self):
        super().__init__()
        self.n = 0

    def forward(self, x):
        return x

    @torch.jit.export
    def __getstate__(self):
        return (self.n, self.training)

    @torch.jit.export
    def __setstate__(self, state):
        self.n = state[0]
        self.training = state[1]


def filled(module, seed=0, scale=0.4):
    """Module whose parameters are drawn anew."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    return module


def rows(seed=0):
    """Damping and preset, both (1, 14) and in 0..1."""
    drawn = np.random.default_rng(seed).uniform(size=(2, 1, 14)).astype(np.float32)
    return torch.from_numpy(drawn[0]), torch.from_numpy(drawn[1])


def saved(module, trace=False):
    """Content of the TorchScript file of a module."""
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.trace(module, torch.rand(1, 3)) if trace else torch.jit.script(module)
        torch.jit.save(scripted, out)
    return out.getvalue()


def changed(content, change):
    """Archive whose entries (name to bytes) went through `change`; None leaves one out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            data = change(info.filename, old.read(info))
            if data is not None:
                new.writestr(info.filename, data)
    return out.getvalue()
