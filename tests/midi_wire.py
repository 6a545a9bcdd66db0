"""Stand-ins for what MIDI comes through: the reader's process, and rtmidi itself. Both have the real interface."""

import types


class FakeReader:
    """A reader that tells what a test says."""

    def __init__(self, hear):
        self.hear, self.running = hear, False

    async def start(self):
        self.running = True

    async def stop(self):
        self.running = False

    def ports(self, *names, available=None, faults=None):
        self.hear({
            "interface": "JACK", "virtual": "remapd", "available": list(available or names), "open": list(names),
            "faults": faults or {},
        })  # fmt: skip

    def send(self, *messages, port="desk"):
        self.hear({"port": port, "messages": [bytes(message).hex() for message in messages]})


class FakeRtMidi(types.SimpleNamespace):
    """The module: what its ports are, and which of them cannot be opened, is up to the test."""

    API_MACOSX_CORE, API_LINUX_ALSA, API_UNIX_JACK = 1, 2, 3

    def __init__(self, apis=(3,)):
        super().__init__(apis=list(apis), names=[], refuse=set(), inputs=[], outputs=[], has_virtual=True, works=True)

    def get_compiled_api(self):
        return self.apis

    def get_api_display_name(self, api):
        return {1: "CoreMIDI", 2: "ALSA", 3: "Jack"}[api]

    def MidiIn(self, rtapi=0, name="RtMidi Client", queue_size_limit=1024):  # noqa: N802
        if not self.works:
            raise SystemError("MidiInJack::initialize: JACK server not running?")
        made = FakeInput(self, queue_size_limit)
        self.inputs.append(made)
        return made

    def MidiOut(self, rtapi=0, name=None):  # noqa: N802
        if not self.works:
            raise SystemError("MidiOutJack::initialize: JACK server not running?")
        made = FakeOutput(self)
        self.outputs.append(made)
        return made

    def plug(self, name):
        self.names.append(name)

    def unplug(self, name):
        self.names.remove(name)

    def opened(self, name):
        (found,) = [one for one in (*self.inputs, *self.outputs) if one.name == name and not one.deleted]
        return found


class FakePort:
    def __init__(self, module):
        self._module = module
        self.name, self.deleted = None, False

    def get_ports(self):
        assert not self.deleted
        return list(self._module.names)

    def open_port(self, port=0, name=None):
        assert not self.deleted
        if self._module.names[port] in self._module.refuse:
            raise RuntimeError("RtMidi::openPort: error opening port.")
        self.name = self._module.names[port]
        return self

    def open_virtual_port(self, name=None):
        if not self._module.has_virtual:
            raise NotImplementedError("Virtual ports are not supported")
        self.name = name
        return self

    def delete(self):
        assert not self.deleted
        self.deleted = True


class FakeInput(FakePort):
    def __init__(self, module, limit):
        super().__init__(module)
        self._limit, self._queue = limit, []

    def get_message(self):
        assert not self.deleted
        return (list(self._queue.pop(0)), 0.0) if self._queue else None

    def receive(self, *messages):
        room = self._limit - len(self._queue)
        self._queue += messages[:room]


class FakeOutput(FakePort):
    """`sent` is what the driver got; while it `fails`, it gets nothing."""

    def __init__(self, module):
        super().__init__(module)
        self.sent, self.fails = [], False

    def send_message(self, message):
        assert self.name is not None
        assert not self.deleted
        if self.fails:
            raise RuntimeError("MidiOutAlsa::sendMessage: error sending MIDI message.")
        self.sent.append(bytes(message))

    def close_port(self):
        assert not self.deleted
