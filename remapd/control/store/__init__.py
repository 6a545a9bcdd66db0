"""Files of the user: models, presets, sessions, and the session as it is now."""
