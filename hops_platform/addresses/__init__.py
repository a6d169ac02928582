"""The mail address of a user, proven by a link that was sent there."""
