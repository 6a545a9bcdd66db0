"""Models come from TorchDrum and go there: the same 14 outputs, and nothing that a file says is believed or run."""

from __future__ import annotations

import io
import json
import os
import pickle
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from remapd import extras  # noqa: E402
from remapd.errors import FieldError, ModelError, TrainingError  # noqa: E402
from remapd.mapping.bundle import model_bytes  # noqa: E402
from remapd.mapping.scaling import Scaling  # noqa: E402
from remapd.synth.presets import Preset, default_preset  # noqa: E402
from remapd.synth.registry import SYNTHS  # noqa: E402
from remapd.training.torchdrum import child, exporting, importing, process  # noqa: E402
from remapd.training.torchdrum.exporting import export_torchdrum, torchscript_bytes  # noqa: E402
from remapd.training.torchdrum.importing import import_torchdrum, outputs, probes  # noqa: E402
from tests import torchdrum_modules as modules  # noqa: E402
from tests.models import SCALING, make_model  # noqa: E402
from tests.networks import MLP_LARGE, linear, mlp  # noqa: E402

TOLERANCE = 1e-6
RANDOM = np.random.default_rng(1).uniform(size=(200, 3))


def read_here(content, inputs, limit_s=0):
    """Read a file in this process: for those made here, which are many."""
    return process.reading(json.dumps(child.answer(content, inputs.tolist())).encode(), len(inputs))


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(importing, "read_torchscript", read_here)


def read_back(content: bytes, path: Path, **options):
    path.write_bytes(content)
    return import_torchdrum(path, **options)


def answers(content: bytes, inputs=RANDOM):
    module = torch.jit.load(io.BytesIO(content))
    with torch.no_grad():
        return np.array([module(torch.from_numpy(x[None])).numpy() for x in inputs])


def double_answers(module, inputs=RANDOM):
    with torch.no_grad():
        return np.array([module.double()(torch.from_numpy(x[None])).numpy() for x in inputs])


def without_model(content: bytes) -> bytes:
    return modules.changed(content, lambda name, data: None if "/extra/" in name else data)


# Round trip


def test_comes_back_as_it_was(tmp_path):
    model = make_model(mlp(MLP_LARGE))
    export_torchdrum(model, tmp_path / "x.pt")
    assert model_bytes(import_torchdrum(tmp_path / "x.pt")) == model_bytes(model)
    assert import_torchdrum(tmp_path / "x.pt", name="other").name == "other"


@given(st.data())
@settings(max_examples=15)
def test_the_same_outputs_there_and_back(tmp_path_factory, data):
    draw = data.draw
    seed = draw(st.integers(0, 1000))
    hidden = draw(st.lists(st.integers(1, 40), min_size=0, max_size=3))
    scale = draw(st.sampled_from([1e-3, 0.3, 3.0]))
    rng = np.random.default_rng(seed)
    preset = make_model().preset
    model = make_model(
        mlp((3, *hidden, 14), seed, scale) if hidden else linear(3, 14, seed, scale),
        preset=Preset("drawn", "snare808", preset.table.denormalise(rng.uniform(size=14)), rng.uniform(size=14)),
        scaler=Scaling(SCALING.minimum, SCALING.maximum, draw(st.sampled_from([np.zeros(3), rng.uniform(size=3)]))),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "read_torchscript", read_here)
        path = tmp_path_factory.getbasetemp() / "round.pt"
        content = torchscript_bytes(model)
        whole, bare = read_back(content, path), read_back(without_model(content), path)
    assert model_bytes(whole) == model_bytes(model)
    expected = answers(content)
    factors = importing.to_plugin()
    np.testing.assert_allclose(outputs(model, RANDOM) * factors, expected, rtol=0, atol=TOLERANCE)
    # Without the model that came with it, it is read like a file of the published training: in our ranges.
    np.testing.assert_allclose(outputs(bare, RANDOM), expected, rtol=0, atol=TOLERANCE)


def test_a_file_that_answers_otherwise_than_the_model_it_carries_is_refused(tmp_path, here):
    other = model_bytes(make_model(mlp(seed=1)))
    content = modules.changed(torchscript_bytes(make_model()), lambda n, d: other if "/extra/" in n else d)
    with pytest.raises(ModelError, match=r"output\.0\.\S+: expected the number that the file answers.*away"):
        read_back(content, tmp_path / "x.pt")


# Export


def test_torchdrum_sounds_as_trained():
    """What the plugin makes of the file, in units, is what our engine makes of the model."""
    model = make_model(mlp(scale=0.1))
    table = model.table
    # As published: TorchDrum's noise filter goes up to 24000 Hz, all else is as in training.
    maximum = np.where(np.array(table.names) == "noise_filter.freq", 24000.0, table.maximum)
    file = answers(torchscript_bytes(model)).astype(np.float64)
    plugin = table.minimum + np.clip(file[:, 1] + file[:, 0], 0.0, 1.0) * (maximum - table.minimum)
    centred = RANDOM - model.scaler.reference
    modulations = np.array([model.network.modulation(x) for x in centred])
    ours = table.denormalise(model.preset.unit_values + model.preset.damping * modulations)
    assert np.all(np.abs(plugin - ours) < 1e-8 * (maximum - table.minimum))


def test_the_file_is_one_the_plugin_takes():
    content = torchscript_bytes(make_model())
    module = torch.jit.load(io.BytesIO(content))
    # The plugin's own test: single precision in, two rows of 14 out.
    assert module(torch.ones(1, 3)).shape == (2, 14)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("archive/version").strip() == b"3"


def test_nothing_of_this_machine_is_in_the_file():
    content = torchscript_bytes(make_model())
    assert str(Path(exporting.__file__).parents[2]).encode() not in content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not [name for name in archive.namelist() if "debug" in name]


@pytest.mark.parametrize("synth", [name for name in SYNTHS if name != "snare808"])
def test_another_synth_is_refused(synth):
    preset = default_preset(synth)
    with pytest.raises(FieldError, match=r"synth\.name: expected snare808"):
        torchscript_bytes(make_model(linear(outputs=len(preset.table)), preset=preset))


def test_a_file_that_would_answer_otherwise_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "LAYER_NORM_EPSILON", 1e-3)
    with pytest.raises(FieldError, match=r"output\.0"):
        export_torchdrum(make_model(mlp(scale=0.01)), tmp_path / "x.pt")
    assert not list(tmp_path.iterdir())


# Files of others


def published(mapper):
    return modules.Wrapper(mapper, *modules.rows())


KNOWN = {
    "published MLP": lambda: published(modules.Mlp()),
    "published MLP Lrg": lambda: published(modules.Mlp(64, 3)),
    "published Linear": lambda: published(modules.Linear()),
    "centred by an attribute": lambda: published(modules.Mlp(input_bias=-0.5)),
    "moved up": lambda: published(modules.Mlp(input_bias=0.25)),
    "stacked": lambda: modules.Stacked(*modules.rows()),
    "by hand": lambda: modules.ByHand(*modules.rows()),
}


@pytest.mark.parametrize("trace", [False, True], ids=["scripted", "traced"])
@pytest.mark.parametrize("form", KNOWN)
def test_known_forms_are_read(form, trace, tmp_path, here):
    module = modules.filled(KNOWN[form]())
    model = read_back(modules.saved(module, trace), tmp_path / "x.pt", licence="CC0-1.0")
    np.testing.assert_allclose(outputs(model, RANDOM), double_answers(module), rtol=0, atol=TOLERANCE)
    assert (model.name, model.licence, model.synth, model.sample_rate_hz) == ("x", "CC0-1.0", "snare808", 44100.0)
    assert model.provenance["method"] == "imported from TorchDrum"
    assert "adaptive" in model.provenance["scaling"]


def test_numbers_come_back_as_short_as_they_were(tmp_path, here):
    preset = make_model().preset
    damp = torch.tensor(preset.damping, dtype=torch.float32)[None]
    patch = torch.tensor(preset.unit_values, dtype=torch.float32)[None]
    module = modules.filled(modules.Wrapper(modules.Mlp(), damp, patch))
    model = read_back(modules.saved(module), tmp_path / "x.pt")
    np.testing.assert_array_equal(model.preset.values, preset.values)
    np.testing.assert_array_equal(model.preset.damping, preset.damping)
    np.testing.assert_array_equal(model.network.weights[0], module.model.net[0].weight.detach().numpy())


def with_damping(value):
    damp, patch = modules.rows()
    damp[0, 3] = value
    return modules.Wrapper(modules.Mlp(), damp, patch)


def with_preset(value):
    damp, patch = modules.rows()
    patch[0, 3] = value
    return modules.Wrapper(modules.Mlp(), damp, patch)


def returning(function):
    return modules.Returns(function, modules.rows()[1])


UNKNOWN = {
    "no norm": (lambda: published(modules.Mlp(norm=False)), r"network: .*linear 3-32, relu, linear 32-14, tanh"),
    "sigmoid": (lambda: published(modules.Mlp(activation=torch.nn.Sigmoid())), r"network: .*aten::sigmoid"),
    "affine norm": (lambda: published(modules.Mlp(affine=True)), r"network: .*layer_norm with affine part"),
    "no hidden layer": (lambda: published(modules.Mlp(layers=0)), r"network\.weights: .*2 to 8 layers"),
    "linear with bias": (lambda: published(modules.Linear(bias=True)), r"network: .*linear 3-14, clamp"),
    "damping above 1": (lambda: with_damping(1.5), r"damping\.osc2\.mod: expected 0 to 1"),
    "damping below 0": (lambda: with_damping(-0.5), r"damping\.osc2\.mod: expected 0 to 1"),
    "preset above 1": (lambda: with_preset(1.01), r"preset\.osc2\.mod: expected 0 to 1"),
    "preset is no number": (lambda: with_preset(float("nan")), r"output\.1: expected finite numbers, got nan"),
    "damping is no number": (lambda: with_damping(float("nan")), r"output: expected finite numbers, got nan"),
    "one row": (lambda: modules.Linear(), r"output: expected 2 rows.*\(1, 14\)"),
    "13 parameters": (
        lambda: modules.Wrapper(modules.Linear(), torch.ones(1, 14), torch.ones(1, 14)[:, :13]), "torch cannot read it"
    ),
    "three parameters": (lambda: returning(lambda x, p: torch.cat([x, p[:, :3]])), r"output\.1: expected 14 numbers"),
    "moving preset": (lambda: returning(lambda x, p: torch.cat([p, p + x.sum()])), r"output\.1: .*does not depend"),
    "a sum of two paths": (
        lambda: returning(lambda x, p: torch.cat([p * x.sum() * x.mean(), p])), r"network: .*aten::"
    ),
    "a tuple": (lambda: returning(lambda x, p: (p, p)), r"output: expected a tensor"),
}  # fmt: skip


@pytest.mark.parametrize("form", UNKNOWN)
def test_other_forms_are_refused_with_what_was_found(form, tmp_path, here):
    build, message = UNKNOWN[form]
    module = build()
    content = modules.saved(modules.filled(module), trace=isinstance(module, modules.Returns))
    with pytest.raises(ModelError, match=message):
        read_back(content, tmp_path / "x.pt")


# Damaged and hostile files


def zipped(entries, **options):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **options) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def pickled_call(path: Path) -> bytes:
    """Pickle that leaves a file behind when it is read by Python."""

    class Bomb:
        def __reduce__(self):
            return os.system, (f"touch {path}",)

    return pickle.dumps(Bomb())


def edited(old: str, new: str) -> bytes:
    """Published MLP with a piece of its code replaced."""
    content = modules.saved(modules.filled(published(modules.Mlp())))

    replaced = []

    def change(name, data):
        if name.endswith(".py") and old.encode() in data:
            replaced.append(name)
            return data.replace(old.encode(), new.encode())
        return data

    result = modules.changed(content, change)
    assert replaced
    return result


def nested(depth):
    module = modules.Linear()
    for _ in range(depth):
        module = modules.Twice(module)
    return modules.saved(module)


BROKEN = {
    "empty": (lambda: b"", r"file: expected a TorchScript file"),
    "text": (lambda: b"no archive at all", r"file: expected a TorchScript file"),
    "cut short": (lambda: modules.saved(modules.Mlp())[:-200], r"file: expected a TorchScript file"),
    "weights alone": (lambda: zipped({"archive/data.pkl": b"", "archive/version": b"3"}), r"file: .*torch\.jit\.save"),
    "too large": (lambda: bytes(5 << 20), r"larger than 4096 KiB"),
    "a zip bomb": (
        lambda: zipped({"a/code/x.py": bytes(64 << 20)}, compression=zipfile.ZIP_DEFLATED), r"file: expected at most 16"
    ),
    "many entries": (lambda: zipped({f"a/{i}": b"" for i in range(1001)}), r"file: expected at most 1000 entries"),
    "one name twice": (lambda: zipped({"a/code/x.py": b"", "b/code/x.py": b""}), r"file: expected every entry once"),
    "no code": (lambda: edited("class", "clas"), r"code: expected TorchScript source text"),
    "a loop": (lambda: modules.saved(modules.Loop()), r"code: .*without loops"),
    "runs while it is loaded": (lambda: modules.saved(modules.AtLoad()), r"code: .*while the file is loaded.*state__"),
    "writes a file": (lambda: edited("torch.tanh(y)", 'torch.save(y, "x")'), r"code: .*torch\.save"),
    "reads a file": (lambda: edited("torch.tanh(y)", 'torch.from_file("x", False, 1)'), r"code: .*torch\.from_file"),
    "an operator by another way": (lambda: edited("torch.tanh(y)", 'ops.aten.save(y, "x")'), r"code: .*ops\.aten"),
    "a method of a tensor": (lambda: edited("torch.tanh(y)", '(y).save("x")'), r"code: .*y\.save"),
    "another name for it": (lambda: edited("y0 = torch.tanh(y)", "f = y.save\n      y0 = f(y)"), r"code: .*got 'f'"),
    "a foreign class": (
        lambda: edited("torch.tanh(y)", "__torch__.torch.classes.a.B(y)"), r"code: .*torch\.classes"
    ),
    "unknown operator": (lambda: edited("torch.tanh(y)", "torch.fft_fft(y)"), r"code: .*fft_fft"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_damaged_and_hostile_files_are_refused(kind, tmp_path, here):
    build, message = BROKEN[kind]
    with pytest.raises(ModelError, match=message):
        read_back(build(), tmp_path / "x.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["x.pt"]


def test_no_pickle_is_run(tmp_path):
    touched = tmp_path / "touched"
    bomb = pickled_call(touched)
    content = modules.changed(
        modules.saved(modules.Mlp()), lambda name, data: bomb if name.endswith(("data.pkl", "constants.pkl")) else data
    )
    with pytest.raises(ModelError, match="torch cannot read it"):
        read_back(content, tmp_path / "x.pt")
    assert not touched.exists()


@pytest.mark.parametrize("name", [b"__torch__.torch.classes.a\nB", b"__torch__.torch\nclasses.a.B"])
def test_no_object_of_a_class_of_torch_is_made(name, tmp_path, here):
    content = modules.changed(
        modules.saved(modules.Mlp()), lambda entry, data: b"c" + name + data if entry.endswith("data.pkl") else data
    )
    with pytest.raises(ModelError, match=r"file: expected tensors and numbers"):
        read_back(content, tmp_path / "x.pt")


def test_a_file_that_takes_for_ever_is_given_up(tmp_path):
    before = set(Path("/proc").glob("[0-9]*")) if Path("/proc").exists() else set()
    with pytest.raises(ModelError, match=r"more than 1 s to read|memory|died of"):
        read_back(nested(30), tmp_path / "x.pt", limit_s=1)
    left = (Path(p, "cmdline") for p in set(Path("/proc").glob("[0-9]*")) - before)
    assert not [p for p in left if p.exists() and b"torchdrum.child" in p.read_bytes()]


def test_one_that_dies_or_does_not_answer_is_told(monkeypatch):
    inputs = probes()
    for code, message in (
        ("import os; os.abort()", "died of SIGABRT"),
        ("raise SystemExit(3)", "ended with status 3"),
        ("print('no')", "gave no answer"),
        ("print('{}')", "answer: expected steps"),
    ):
        monkeypatch.setattr(process, "_START", code)
        with pytest.raises((ModelError, FieldError), match=message):
            process.read_torchscript(b"", inputs)
    monkeypatch.setattr(process, "_START", "import time; time.sleep(1e6)")
    monkeypatch.setattr(process, "START_S", 0.2)
    with pytest.raises(ModelError, match="was not read within"):
        process.read_torchscript(b"", inputs, 0)


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="the system cannot leave an ended process its number")
def test_what_the_process_started_ends_with_it(monkeypatch, tmp_path):
    os.mkfifo(tmp_path / "alive")
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(alive, True)
    code = f"""
import os, time
alive = os.open({str(tmp_path / "alive")!r}, os.O_WRONLY)
if os.fork() == 0:
    os.close(1)
    time.sleep(20)
    os.write(alive, b"still here")
else:
    print("no")
"""
    monkeypatch.setattr(process, "_START", code)
    with pytest.raises(ModelError, match="gave no answer"):
        process.read_torchscript(b"", probes())
    with os.fdopen(alive, "rb") as pipe:
        assert pipe.read() == b""


def test_the_process_gets_no_secrets(monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_TOKEN", "x")
    dump = "import os, json; print(json.dumps({'refused': repr(sorted(os.environ)) + os.getcwd()}))"
    monkeypatch.setattr(process, "_START", dump)
    with pytest.raises(ModelError) as error:
        process.read_torchscript(b"", probes())
    assert "SECRET" not in str(error.value)
    assert os.getcwd() not in str(error.value)


@pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")
def test_the_limits_hold(tmp_path):
    code = f"""
from remapd.processes import limit_this_process, lower_priority
import os
lower_priority()
limit_this_process(1, 1 << 26)
said = [str(os.nice(0))]
for attempt in (lambda: open({str(tmp_path / "x")!r}, "wb", buffering=0).write(b"x"), lambda: bytearray(1 << 28)):
    try:
        attempt()
        said.append("done")
    except (OSError, MemoryError) as error:
        said.append(type(error).__name__)
print(*said, flush=True)
while True:
    pass
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["19", "OSError", "MemoryError"], run.stderr
    assert run.returncode in (-signal.SIGXCPU, -signal.SIGKILL)


def test_answers_are_checked_by_field():
    good = {"steps": [], "preset": [0.5], "outputs": [[[0.0], [0.5]]], "model": None}
    process.reading(json.dumps(good).encode(), 1)
    for change, message in (
        ({"preset": ["a"]}, "output.1: expected numbers"),
        ({"preset": [[0.5]]}, "output.1: expected an array of 1 dimension"),
        ({"outputs": [[[float("nan")], [0.5]]]}, "output: expected finite numbers"),
        ({"outputs": [[[0.0]], [[0.5]]]}, "output: expected 2 rows"),
        ({"steps": {}}, "steps: expected a list"),
        ({"steps": [1]}, "steps.0: expected a JSON object"),
        ({"model": "?"}, "model: expected a model file"),
        ({"more": 1}, "answer: expected only"),
    ):
        with pytest.raises(FieldError, match=message):
            process.reading(json.dumps({**good, **change}).encode(), 1)


def test_without_torch_the_message_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(TrainingError, match=r"pip install 'remapd\[train\]'"):
        read_back(b"", tmp_path / "x.pt")
