"""Invitations into a project: of a user, of a mail address, or by a link."""
