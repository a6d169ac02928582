"""Accounts that people ask for, and administrators approve."""
