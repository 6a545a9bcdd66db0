"""What works on this machine: each check gives findings, with a remedy for what does not."""
