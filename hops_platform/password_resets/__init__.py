"""A new password for whoever forgot the old one."""
