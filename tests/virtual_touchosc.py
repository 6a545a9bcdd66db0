"""A TouchOSC document that runs without TouchOSC: its messages and its scripts do what the manual says of them."""

import functools
import xml.etree.ElementTree as ElementTree
import zlib

CONTAINERS = ("GROUP", "PAGER")


class Members(dict):
    """A dict that has nothing where there is nothing, as a table of Lua; it tells of what is set."""

    on_change = staticmethod(lambda key: None)

    def __missing__(self, key):
        return None

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        self.on_change(key)


class Control:
    """A node of the document, with the names that scripts know it by."""

    def __init__(self, element, parent):
        self.element, self.parent, self.kind = element, parent, element.get("type")
        self.identity = element.get("ID")
        self.properties = {p.findtext("key"): _property(p) for p in element.findall("properties/property")}
        self.values = Members({v.findtext("key"): _default(v) for v in element.findall("values/value")})
        self.messages = element.findall("messages/osc")
        self.children = Members()
        for child in element.findall("children/node"):
            control = Control(child, self)
            assert control.name not in self.children, control.name
            self.children[control.name] = control

    @property
    def name(self):
        return self.properties["name"]

    def walk(self):
        yield self
        for child in self.children.values():
            yield from child.walk()

    def findByName(self, name, recursive):  # noqa: N802 - as scripts call it.
        return next((control for control in self.walk() if control.name == name), None)


class VirtualTouchOsc:
    """The document, and what it sends.

    Attributes
    ----------
    sent : list
        Messages so far, as address and arguments.
    now_ms : float
        The time that scripts see.
    """

    def __init__(self, content):
        document = ElementTree.fromstring(zlib.decompress(content))
        assert (document.tag, document.get("version")) == ("lexml", "3")
        self.root = Control(document.find("node"), None)
        self.controls = {control.name: control for control in self.root.walk()}
        self.sent, self.now_ms = [], 0.0
        self._scripts = {}
        for control in self.controls.values():
            if "script" in control.properties and control is not self.root:
                control.values.on_change = functools.partial(self._changed, control)

    def move(self, name, x):
        """Move a fader or press a button with a finger."""
        control = self.controls[name]
        control.values["touch"] = True
        self._set(control, "x", x, sends=True)
        control.values["touch"] = False

    def receive(self, address, *arguments):
        """Take a message of somebody else."""
        lua = self._script(self.root)
        rows = [lua.table_from({"tag": "f", "value": argument}) for argument in arguments]
        if lua.globals().onReceiveOSC(lua.table_from([address, lua.table_from(rows)]), None):
            return
        for control in self.controls.values():
            for message in control.messages:
                if message.findtext("receive") == "1" and _address(message) == address:
                    self._take(control, message, arguments)

    def update(self, now_ms):
        """Let time pass."""
        self.now_ms = now_ms
        self._script(self.root).globals().update()

    def _take(self, control, message, arguments):
        for partial, argument in zip(message.findall("arguments/partial"), arguments, strict=False):
            low, high = (float(partial.findtext(name)) for name in ("scaleMin", "scaleMax"))
            is_text = partial.findtext("conversion") == "STRING"
            self._set(control, partial.findtext("value"), argument if is_text else (argument - low) / (high - low))

    def _set(self, control, key, value, sends=False):
        before, control.values[key] = control.values[key], value
        for message in control.messages if sends else ():
            trigger = message.find("triggers/trigger")
            rises = trigger.findtext("condition") == "ANY" or value > (before or 0.0)
            if message.findtext("send") == "1" and trigger.findtext("var") == key and rises:
                self.sent.append((_address(message), [_sent(p, value) for p in message.findall("arguments/partial")]))

    def _changed(self, control, key):
        self._script(control).globals().onValueChanged(key)

    def _script(self, control):
        """The script of a control, in a world of its own."""
        if control.identity not in self._scripts:
            from lupa import lua51  # The version that TouchOSC has.

            lua = lua51.LuaRuntime(unpack_returned_tuples=True)
            world = lua.globals()
            world.self, world.root, world.sendOSC, world.getMillis = control, self.root, self._send, lambda: self.now_ms
            lua.execute(control.properties["script"])
            if world.init:
                world.init()
            self._scripts[control.identity] = lua
        return self._scripts[control.identity]

    def _send(self, message):
        if isinstance(message, str):
            self.sent.append((message, []))
        else:
            arguments = [(row.value if row.tag == "f" else int(row.value)) for row in message[2].values()]
            self.sent.append((message[1], arguments))


def _property(element):
    value, kind = element.find("value"), element.get("type")
    if kind in "rc":
        return tuple(float(part.text) for part in value)
    return {"b": lambda text: text == "1", "i": int, "f": float, "s": str}[kind](value.text or "")


def _default(element):
    text = element.findtext("default")
    if element.findtext("key") == "text":
        return text
    return text == "true" if text in ("true", "false") else float(text)


def _address(message):
    return "".join(part.findtext("value") for part in message.findall("path/partial"))


def _sent(partial, value):
    low, high = (float(partial.findtext(name)) for name in ("scaleMin", "scaleMax"))
    number = low + value * (high - low)
    return {"FLOAT": float, "INTEGER": round, "BOOLEAN": bool}[partial.findtext("conversion")](number)
