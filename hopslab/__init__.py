"""The site's conductor: prepares environments, starts and stops the processes of one machine, and says how they are.

It starts the other products and speaks HTTP with them; it imports none of them.
"""
