"""Audio backends: PortAudio, file and virtual, behind one interface."""
