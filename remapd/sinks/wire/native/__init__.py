"""The compiled part of the sender: all of it runs on one thread, without Python."""
