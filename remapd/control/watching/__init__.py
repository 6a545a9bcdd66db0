"""What can be watched: hits, meters and changes on their way to people, metrics, logs."""
