"""Device profiles: which note plays a drum of a device, what moves its sound, and what of a hit moves it.

A profile is a small TOML file. Those that ship lie in ``devices`` beside this module; your own go into ``profiles`` in
your data folder (``remapd profiles list`` shows where), and one of yours hides a shipped one of the same name.

To write one, take the MIDI implementation chart of the device, and go from the top::

    format = 1
    manufacturer = "Acme"
    device = "Thumper"
    sources = ["Acme Thumper MIDI Implementation, version 1.00"]  # what the numbers were taken from
    licence = "CC0-1.0"                                           # of this file
    channel = 10                                                  # of all instruments that do not say otherwise
    notes = "Switch CONTROL RX on in the UTILITY menu."

    [[instrument]]
    name = "SD"
    title = "Snare drum"
    note = 38
    synths = ["snare808"]
    control = [
        { name = "tune", cc = 25, centre = 64, sounds = "Pitch of the shell." },
        { name = "snap", nrpn = [1, 26], maximum = 127, sounds = "How much the wires ring." },
    ]

    [[mapping]]
    control = "tune"
    synths = ["snare808"]
    source = "values.osc1.freq"
    source_minimum = 120
    source_maximum = 400

    [[mapping]]
    control = "snap"
    source = "scaled.flatness"

A **control** is addressed by one of ``cc = 0..119``, ``cc14 = 0..31`` (fine half 32 above), ``nrpn = [coarse, fine]``,
or ``kind = "pitch_bend"``, ``"pressure"``, ``"poly_pressure"``, ``"note"``. It has the whole range of its kind unless
`minimum` and `maximum` say otherwise; a numbered parameter up to 127 is sent as 7 bits, a longer one as 14. `centre` is
the neutral place of what goes both ways, `default` where it stands, `sounds` what people hear. A ``[[control]]`` of its
own, outside of any instrument, belongs to all of them.

An **instrument** may say which `synths` it comes nearest to: a track that plays one of them finds it by itself.

A **mapping** says which number of a hit (`source`: ``values.<parameter>`` in its unit, ``unit.<parameter>``,
``modulation.<parameter>``, ``features.<feature>``, ``scaled.<feature>``, ``velocity``) moves which control, of which
`instruments` (by default of all that have it) and while the track plays which `synths`. A line without `synths` is for
all those that no other line of that control names, so that a general line with a feature and special ones with
parameters go together. `source_minimum` and `source_maximum` are what becomes the control's ends, in the source's unit;
`minimum`, `maximum` and `centre` narrow the control; `curve`, `invert`, `smoothing`, `threshold` and `weight` are those
of a MIDI sink's control.

``remapd profiles verify FILE`` checks a file and names the field and the line that do not fit.
"""
