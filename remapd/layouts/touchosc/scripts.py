"""Scripts in Lua that run inside of TouchOSC: values in words, faders with a log curve, hits, and keeping in touch."""

from __future__ import annotations

import json

from remapd.control.osc.addresses import PING, PONG, ROOT, SUBSCRIBE, address_of
from remapd.control.tree import Control
from remapd.layouts.surface import value_format

#: How often the service is told that we are there, and how often it is looked for while it does not answer.
_PING_MS, _LOOK_MS = 10_000, 3_000
#: How long a hit is seen.
_FALL_PER_S = 2.5

_SHOW = """
local function show(v)
  local l = self.parent.children[self.name .. '_value']
  if l then l.values.text = string.format({shown}, v) end
end
"""
_LINEAR = """
function onValueChanged(key)
  if key == 'x' then show({minimum} + self.values.x * ({maximum} - {minimum})) end
end
"""
_LOG = """
function onValueChanged(key)
  if key ~= 'x' then return end
  local v = {minimum} * ({maximum} / {minimum}) ^ self.values.x
  show(v)
  if self.values.touch then
    sendOSC({{ {address}, {{ {{ tag = 'f', value = v }} }} }})
  end
end
"""
_ROOT = """
local PORT, PING_MS, LOOK_MS, FALL = {port}, {ping_ms}, {look_ms}, {fall}
-- Faders with a log curve: address, then name, least and greatest value.
local LOGS = {{
{logs}}}
local heard, asked, before, found = -1, -LOOK_MS, 0, {{}}

local function control(name)
  if found[name] == nil then found[name] = root:findByName(name, true) or false end
  return found[name]
end

local function online() return heard >= 0 and getMillis() - heard < 3 * PING_MS end

function init() before = getMillis() end

function update()
  local now = getMillis()
  if now - asked >= (online() and PING_MS or LOOK_MS) then
    asked = now
    if online() then sendOSC({ping}) else sendOSC({{ {subscribe}, {{ {{ tag = 'i', value = PORT }} }} }}) end
    local l = control('connection')
    if l then l.values.text = online() and 'connected' or 'remapd does not answer' end
  end
  for n = 1, {tracks} do
    local m = control('hit_' .. n)
    if m and m.values.x > 0 then m.values.x = math.max(0, m.values.x - FALL * (now - before) / 1000) end
  end
  before = now
end

function onReceiveOSC(message, connections)
  local path, arguments = message[1], message[2]
  heard = getMillis()
  if path == {pong} then return true end
  local log = LOGS[path]
  if log and arguments[1] then
    local c = control(log[1])
    if c then c.values.x = math.max(0, math.min(1, math.log(arguments[1].value / log[2]) / math.log(log[3] / log[2]))) end
    return true
  end
  local n = string.match(path, {hit})
  if n and arguments[2] then
    local m = control('hit_' .. n)
    if m then m.values.x = math.max(0.02, math.min(1, arguments[2].value)) end
    return true
  end
  return false
end
"""  # noqa: E501 - one line of Lua.


def fader_script(control: Control) -> str:
    """Script of a fader: it shows the value, and with a log curve sends it."""
    body = _LOG if control.curve == "log" else _LINEAR
    values = {"minimum": _number(control.minimum), "maximum": _number(control.maximum)}
    shown = f"{value_format(control)} {control.unit.replace('%', '%%')}".rstrip()
    return _SHOW.format(shown=_text(shown)) + body.format(address=_text(address_of(control.path)), **values)


def root_script(logs: dict[str, Control], tracks: int, port: int) -> str:
    """Script of the whole document.

    Parameters
    ----------
    logs : dict
        Controls with a log curve, by the name of their fader.
    tracks : int
        How many tracks there are.
    port : int
        Where TouchOSC receives.
    """
    rows = (
        f"  [{_text(address_of(c.path))}] = {{ {_text(name)}, {_number(c.minimum)}, {_number(c.maximum)} }},\n"
        for name, c in logs.items()
    )
    return _ROOT.format(
        port=port, ping_ms=_PING_MS, look_ms=_LOOK_MS, fall=_FALL_PER_S, logs="".join(rows), tracks=tracks,
        ping=_text(PING), pong=_text(PONG), subscribe=_text(SUBSCRIBE), hit=_text(f"^{ROOT}/(%d+)/hit$"),
    )  # fmt: skip


def _number(number: float | None) -> str:
    assert number is not None
    return repr(float(number))


def _text(text: str) -> str:
    """Text in quotes, as Lua has it; it is of one printable line."""
    return json.dumps(text, ensure_ascii=False)
