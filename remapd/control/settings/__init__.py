"""What the daemon starts with: config, folders, token."""
