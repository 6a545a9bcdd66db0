"""Announcements by zeroconf, so that controllers find remapd."""
