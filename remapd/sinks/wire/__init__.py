"""The native sender: a thread without Python that waits for hits and sends them."""
