"""Hits as MIDI: controllers and notes, in the order and at the rate that a wire takes.

Where to look:

- what a sink is: `document` (the port, the note), `control` (one controller), `scale` (from a hit's number to the
  device's), `sensitivity` (how much each parameter is heard), `defaults`;
- what goes out when, without I/O: `port_out`, made of `sink_player` (what a sink makes of a hit), `pending` (what the
  device lacks), `device` (what it knows), `notes`, `wire` (how long bytes take), `encode` (the bytes), `counts`;
- the process with rtmidi in it: `process`, made of `records` (hits as they come in), `port_player` (all ports), `line`
  (one of them), `out_ports` and `port_names` (what there is and what is meant), `jack_ring`, `lateness`, `reports`;
- who feeds that process: `child`, and `lives`, which starts it anew.
"""
