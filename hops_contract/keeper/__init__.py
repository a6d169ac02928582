"""What stays beside a sandbox, outside of it: the ways out of its network and into it, and its limits.

Code of the sandbox neither sees nor reaches the keeper, which ends with the sandbox. The sandbox's first process runs
when the ways stand.

- Ways out. The sandbox has a network of its own, in which there is nothing. At the address of each service that code
  may reach the keeper listens there, and passes connections on to that address outside. Where a connection leads is
  settled by where it came in, never by what is said on it.
- Ways in. What has to be reached from outside, as a notebook server, has a listener of the keeper's outside, which
  connects to one port inside.
- Limits. It looks every second at how much memory and how many processes there are. Too much memory ends the process
  that has most, too many processes end the sandbox; a file outside of the sandbox, and the log, say why.

No socket of the machine's network ever comes into the sandbox: a connected one can be disconnected, and connected to
anything else. The keeper holds sockets of both networks.

This runs in the platform's Python without its packages (``-I -S``): the standard library only, and no more of that than
is needed, as sandboxes wait for it.
"""
