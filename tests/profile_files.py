"""Profiles and tables of controllers made by hand, for tests."""

#: A profile with one of everything.
THUMPER = """
format = 1
manufacturer = "Acme"
device = "Thumper"
sources = ["Acme Thumper MIDI Implementation, version 1.00"]
licence = "CC0-1.0"
attribution = "Nobody"
channel = 3
wire = "din"
notes = '''
- Switch CONTROL RX on
  in the menu.
- Mind the fader.
'''

[[control]]
name = "reverb"
cc = 91

[[instrument]]
name = "SD"
title = "Snare drum"
note = 38
synths = ["snare808"]
control = [
    { name = "tune", cc = 25, centre = 64, default = 60, sounds = "Pitch of the shell." },
    { name = "snap", nrpn = [1, 26], maximum = 127, sounds = "How much the wires ring." },
    { name = "fine", nrpn = [1, 27], maximum = 16383 },
    { name = "wide", cc14 = 5, minimum = 100, maximum = 9000 },
    { name = "bend", kind = "pitch_bend" },
]

[[instrument]]
name = "BD"
channel = 4
note = 36
note_length_ms = 20

[[instrument.control]]
name = "tune"
cc = 20

[[mapping]]
control = "tune"
synths = ["snare808"]
source = "values.osc1.freq"
source_minimum = 120
source_maximum = 400

[[mapping]]
control = "tune"
source = "scaled.centroid"
minimum = 70
maximum = 100
invert = true

[[mapping]]
control = "snap"
source = "velocity"
curve = "slow"
smoothing = 0.5
"""

#: Columns that midi.guide has, and those of its older tables.
COLUMNS = (
    "manufacturer,device,section,parameter_name,parameter_description,cc_msb,cc_lsb,cc_min_value,cc_max_value,"
    "cc_default_value,nrpn_msb,nrpn_lsb,nrpn_min_value,nrpn_max_value,nrpn_default_value,orientation,notes,usage"
)
OLD_COLUMNS = (
    "manufacturer,device,section,parameter_name,parameter_description,cc_msb,cc_lsb,cc_min_value,cc_max_value,"
    "nrpn_msb,nrpn_lsb,nrpn_min_value,nrpn_max_value,orientation,notes,usage"
)

#: Lines that fit.
GOOD_LINES = (
    'Acme,Thumper,Voice,Tune,"Pitch, in steps",25,,0,127,60,,,,,,centered,,',
    "Acme,Thumper,Voice,Wide,,5,37,0,16383,,,,,,,0-based,,",
    "Acme,Thumper,Voice,Both,,20,,0,127,0,1,3,0,16383,8192,Centered,,0: low; 127: high",
    "Acme,Thumper,Voice,Steps,,,,,,,1,4,0,6,3,0-based,Careful.,",
    "Acme,Thumper,Filter,Tune,,30,,,,,,,,,,,,",
)


def table(*lines: str, columns: str = COLUMNS) -> bytes:
    """File of a table with some lines."""
    return "\r\n".join([columns, *lines, ""]).encode()
