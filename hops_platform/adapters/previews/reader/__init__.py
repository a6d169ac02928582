"""Reads files that anybody may have made, in a process of its own: nothing of the platform is imported here.

``python -I -m hops_platform.adapters.previews.reader FORMAT BYTES ROWS`` reads the file that it finds as its standard
input, and writes JSON. Its limits are set before a byte is read and can't be raised again. What it writes is looked at
like everything from outside, since a file may have taken it over.
"""
