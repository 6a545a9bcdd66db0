"""The compiled engine and the memory it shares with the control process."""
