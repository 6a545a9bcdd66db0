"""What holds at a start: flags, config, session."""

from remapd.daemon.startup import Flags, merged, starting_values

SESSION = {
    "/output_gain_db": -3.0,
    "/track/1/model": "snare_1",
    "/track/1/preset": "snare_1",
    "/track/1/synth/osc1/freq": 200.0,
    "/track/1/gain_db": -6.0,
    "/track/2/model": "kick_long",
    "/track/2/gain_db": -7.0,
}


def test_the_session_comes_back_and_the_config_holds():
    values = starting_values({"/track/1/gain_db": 0.0, "/log_level": "debug"}, SESSION, Flags(), resumes=False)
    assert values == {**SESSION, "/track/1/gain_db": 0.0, "/log_level": "debug"}


def test_after_a_crash_the_session_holds():
    values = starting_values({"/track/1/gain_db": 0.0, "/log_level": "debug"}, SESSION, Flags(), resumes=True)
    assert values == {**SESSION, "/log_level": "debug"}


def test_flags_hold_above_all():
    flags = Flags({"/output_gain_db": -1.0}, each_track={"neurality": 2.0})
    values = starting_values({"/output_gain_db": 5.0}, SESSION, flags, resumes=True)
    assert values["/output_gain_db"] == -1.0
    assert (values["/track/1/neurality"], values["/track/2/neurality"]) == (2.0, 2.0)
    assert starting_values({}, {}, flags, resumes=False)["/track/1/neurality"] == 2.0


def test_tracks_of_flags_are_all_the_tracks():
    flags = Flags(tracks=[{"model": "velocity"}])
    values = starting_values({"/track/3/pan": 0.5}, SESSION, flags, resumes=True)
    assert values == {"/output_gain_db": -3.0, "/track/1/model": "velocity"}


def test_another_model_or_preset_drops_what_the_former_brought():
    kept = merged(SESSION, {"/track/1/model": "snare_2"})
    assert "/track/1/synth/osc1/freq" not in kept
    assert "/track/1/preset" not in kept
    assert kept["/track/1/gain_db"] == -6.0
    kept = merged(SESSION, {"/track/1/preset": "snare_2"})
    assert kept["/track/1/model"] == "snare_1"
    assert "/track/1/synth/osc1/freq" not in kept
    assert merged(SESSION, {"/track/1/model": "snare_1"}) == SESSION


def test_a_trial_without_hardware_is_no_wish_for_the_next_time():
    trial = {"/device/backend": "virtual", "/device/sample_rate_hz": 8000.0, "/device/block_size": 512}
    session = {**SESSION, **trial, "/device/input": "USB"}
    assert starting_values({}, session, Flags(), resumes=False) == {**SESSION, "/device/input": "USB"}
    assert starting_values({}, session, Flags(), resumes=True) == session
