"""Controllers for tests: the real one on a real shared block, with the shipped library."""

from remapd.control.bulletin import Bulletin
from remapd.control.controller import Controller
from remapd.engine.control import EngineControl
from remapd.engine.shared import SharedBlock
from remapd.mapping.library import list_models, list_presets, load_model_named, load_preset_named
from tests.fake_host import FakeHost


class Shipped:
    """The shipped models and presets, loaded by name."""

    def __init__(self):
        self.extra = {}

    def model(self, name):
        return self.extra.get(name) or load_model_named(name)

    def preset(self, name):
        return load_preset_named(name)

    def models(self):
        return {**list_models(), **self.extra}

    def presets(self):
        return list_presets()


def make_controller(engine=None, host=None, sounds=None, values=None, **options):
    """A controller that has begun with these values; by default on a block that no engine plays."""
    engine = engine or EngineControl(SharedBlock.private())
    controller = Controller(engine, host or FakeHost(), sounds or Shipped(), Bulletin(), **options)
    controller.begin({"values": values or {"/track/1/model": "velocity"}}, lenient=False)
    return controller
